-- For the sweep, which asks twice a second: each holds only what there may be something to do for, so that what waits on the queue costs it
-- nothing. What waits in conversations' lines is gone through once. Building them holds up whoever writes to "invocation" for as long as
-- it takes to read the table five times.
CREATE INDEX "invocation_to_enqueue_idx" ON "invocation"("created_at") WHERE "status" = 'queued' AND "enqueued_at" IS NULL AND "dispatch" > 0;
CREATE INDEX "invocation_in_line_idx" ON "invocation"("created_at") WHERE "status" = 'queued' AND "enqueued_at" IS NULL AND "dispatch" = 0;
CREATE INDEX "invocation_interrupting_idx" ON "invocation"("created_at") WHERE "status" = 'queued' AND "enqueued_at" IS NULL AND "dispatch" = 0 AND "multitask_strategy" IN ('interrupt', 'rollback');
CREATE INDEX "invocation_to_cancel_idx" ON "invocation"("cancel_requested_at") WHERE "status" = 'queued' AND "cancel_requested_at" IS NOT NULL;
CREATE INDEX "invocation_to_expire_idx" ON "invocation"("deadline_at") WHERE "status" = 'queued' AND "deadline_at" IS NOT NULL;
