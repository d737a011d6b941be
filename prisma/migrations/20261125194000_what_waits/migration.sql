-- For the sweep, which asks twice a second: each holds only what there may be something to do for, so that a backlog costs it nothing.
-- Building them keeps writes to "invocation" waiting for as long as it takes to read the table once.
CREATE INDEX "invocation_to_enqueue_idx" ON "invocation"("created_at") WHERE "status" = 'queued' AND "enqueued_at" IS NULL;
CREATE INDEX "invocation_to_cancel_idx" ON "invocation"("cancel_requested_at") WHERE "status" = 'queued' AND "cancel_requested_at" IS NOT NULL;
CREATE INDEX "invocation_to_expire_idx" ON "invocation"("deadline_at") WHERE "status" = 'queued' AND "deadline_at" IS NOT NULL;
