-- DropIndex
DROP INDEX "api_key_hash_key";

-- AlterTable
ALTER TABLE "agent" ADD COLUMN     "slug" TEXT;

-- AlterTable
ALTER TABLE "api_key" ADD COLUMN     "agent_ids" UUID[] DEFAULT ARRAY[]::UUID[],
ADD COLUMN     "created_by_id" UUID,
ADD COLUMN     "previous_hash" BYTEA,
ADD COLUMN     "previous_hash_until" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "conversation" ADD COLUMN     "external_id" TEXT,
ADD COLUMN     "user_id" TEXT;

-- AlterTable
ALTER TABLE "invocation" ADD COLUMN     "api_key_id" UUID,
ADD COLUMN     "user_id" TEXT;

-- AlterTable
ALTER TABLE "usage_record" ADD COLUMN     "api_key_id" UUID,
ADD COLUMN     "user_id" TEXT;

-- CreateTable
CREATE TABLE "audit_entry" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "key_id" UUID,
    "action" TEXT NOT NULL,
    "target_id" UUID NOT NULL,
    "changes" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_entry_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "audit_entry_workspace_id_id_idx" ON "audit_entry"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "agent_workspace_id_slug_key" ON "agent"("workspace_id", "slug");

-- CreateIndex
CREATE INDEX "api_key_created_by_id_idx" ON "api_key"("created_by_id");

-- AddForeignKey
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_created_by_id_fkey" FOREIGN KEY ("created_by_id") REFERENCES "api_key"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "audit_entry" ADD CONSTRAINT "audit_entry_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- A slug for each agent there is: its name in lower case, with part of its id where another agent of the workspace would have the same.
UPDATE "agent" a SET "slug" = made.slug FROM (
  SELECT "id", base || CASE WHEN row_number() OVER (PARTITION BY "workspace_id", base ORDER BY "id") > 1 THEN '-' || right("id"::text, 12) ELSE '' END AS slug
  FROM (SELECT "id", "workspace_id", coalesce(nullif(trim(BOTH '-' FROM left(lower(regexp_replace("name", '[^a-zA-Z0-9]+', '-', 'g')), 60)), ''), 'agent') AS base FROM "agent") named
) made WHERE made."id" = a."id";

-- Partial: rows without a user or an external id, which most are, cost nothing.
CREATE INDEX "conversation_user_idx" ON "conversation"("workspace_id", "user_id", "id") WHERE "user_id" IS NOT NULL;
CREATE UNIQUE INDEX "conversation_external_key" ON "conversation"("workspace_id", "external_id") WHERE "external_id" IS NOT NULL;
CREATE INDEX "invocation_user_idx" ON "invocation"("workspace_id", "user_id", "id") WHERE "user_id" IS NOT NULL;
