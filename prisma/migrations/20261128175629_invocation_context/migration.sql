-- CreateEnum
CREATE TYPE "ConversationKind" AS ENUM ('normal', 'ephemeral');

-- AlterTable
ALTER TABLE "agent" ADD COLUMN     "allow_overrides" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "conversation" ADD COLUMN     "kind" "ConversationKind" NOT NULL DEFAULT 'normal';

-- AlterTable
ALTER TABLE "usage_record" ADD COLUMN     "reasoning_tokens" INTEGER;

-- CreateTable
CREATE TABLE "invocation_context" (
    "invocation_id" UUID NOT NULL,
    "messages" JSONB NOT NULL,
    "system_text" TEXT NOT NULL,
    "store" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "invocation_context_pkey" PRIMARY KEY ("invocation_id")
);

-- AddForeignKey
ALTER TABLE "invocation_context" ADD CONSTRAINT "invocation_context_invocation_id_fkey" FOREIGN KEY ("invocation_id") REFERENCES "invocation"("id") ON DELETE CASCADE ON UPDATE CASCADE;


-- Partial: lists leave ephemeral conversations out, of which there may be many more than of the others.
CREATE INDEX "conversation_listed_idx" ON "conversation"("workspace_id", "id") WHERE "kind" = 'normal';
-- For the sweep, which deletes the oldest.
CREATE INDEX "invocation_context_temporary_idx" ON "invocation_context"("created_at") WHERE NOT "store";
