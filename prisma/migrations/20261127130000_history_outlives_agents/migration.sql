-- Deleting an agent changed every message and invocation that it ever had, scanned both tables for them, and met whoever wrote to one of them in a
-- deadlock. Both now keep the id of an agent that is gone.
ALTER TABLE "message" DROP CONSTRAINT "message_agent_id_fkey";
ALTER TABLE "invocation" DROP CONSTRAINT "invocation_agent_id_fkey";
