-- CreateEnum
CREATE TYPE "InvocationStatus" AS ENUM ('queued', 'running', 'completed', 'failed', 'cancelled');

-- CreateEnum
CREATE TYPE "MultitaskStrategy" AS ENUM ('enqueue', 'reject', 'interrupt', 'rollback', 'parallel');

-- CreateEnum
CREATE TYPE "OnWorkerLoss" AS ENUM ('restart', 'fail');

-- CreateEnum
CREATE TYPE "MessageRole" AS ENUM ('system', 'user', 'assistant', 'tool');

-- CreateEnum
CREATE TYPE "MessageType" AS ENUM ('message', 'thought', 'action');

-- CreateEnum
CREATE TYPE "UsageSource" AS ENUM ('provider', 'estimated');

-- CreateTable
CREATE TABLE "workspace" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workspace_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_key" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "last_four" TEXT NOT NULL,
    "scopes" TEXT[],
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "agent" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "avatar" TEXT NOT NULL DEFAULT '',
    "provider" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "system_prompt" TEXT NOT NULL DEFAULT '',
    "temperature" DOUBLE PRECISION,
    "top_p" DOUBLE PRECISION,
    "max_output_tokens" INTEGER,
    "context_tokens" INTEGER NOT NULL DEFAULT 8192,
    "first_token_timeout_ms" INTEGER NOT NULL DEFAULT 60000,
    "idle_timeout_ms" INTEGER NOT NULL DEFAULT 30000,
    "total_timeout_ms" INTEGER NOT NULL DEFAULT 600000,
    "on_worker_loss" "OnWorkerLoss" NOT NULL DEFAULT 'restart',
    "active" BOOLEAN NOT NULL DEFAULT true,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "agent_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "conversation" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "title" TEXT NOT NULL DEFAULT '',
    "message_count" INTEGER NOT NULL DEFAULT 0,
    "line" UUID[] DEFAULT ARRAY[]::UUID[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "conversation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "message" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "conversation_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "role" "MessageRole" NOT NULL,
    "type" "MessageType" NOT NULL DEFAULT 'message',
    "content" TEXT NOT NULL,
    "token_count" INTEGER,
    "agent_id" UUID,
    "invocation_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "message_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "invocation" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "conversation_id" UUID NOT NULL,
    "agent_id" UUID,
    "status" "InvocationStatus" NOT NULL DEFAULT 'queued',
    "provider" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "multitask_strategy" "MultitaskStrategy" NOT NULL DEFAULT 'enqueue',
    "settings" JSONB NOT NULL,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "dispatch" INTEGER NOT NULL DEFAULT 0,
    "lost_attempts" INTEGER NOT NULL DEFAULT 0,
    "worker_id" UUID,
    "input_message_id" UUID NOT NULL,
    "output_message_id" UUID,
    "input_position" INTEGER NOT NULL,
    "rolled_back" BOOLEAN NOT NULL DEFAULT false,
    "idempotency_key" TEXT,
    "request_hash" BYTEA,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "available_at" TIMESTAMPTZ(3),
    "enqueued_at" TIMESTAMPTZ(3),
    "started_at" TIMESTAMPTZ(3),
    "first_token_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "cancel_requested_at" TIMESTAMPTZ(3),
    "deadline_at" TIMESTAMPTZ(3),
    "finish_reason" TEXT,
    "error_code" TEXT,
    "error_message" TEXT,
    "last_seq" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "invocation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "worker" (
    "id" UUID NOT NULL,
    "lock_key" BIGSERIAL NOT NULL,
    "hostname" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "providers" TEXT[],
    "unconfigured" TEXT[],
    "concurrency" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "heartbeat_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "worker_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "usage_record" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "invocation_id" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "provider" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "input_tokens" INTEGER NOT NULL,
    "output_tokens" INTEGER NOT NULL,
    "cached_tokens" INTEGER NOT NULL DEFAULT 0,
    "source" "UsageSource" NOT NULL,
    "cost_micro_usd" BIGINT,
    "price_table_version" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "usage_record_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "api_key_hash_key" ON "api_key"("hash");

-- CreateIndex
CREATE INDEX "api_key_workspace_id_id_idx" ON "api_key"("workspace_id", "id");

-- CreateIndex
CREATE INDEX "agent_workspace_id_id_idx" ON "agent"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "agent_workspace_id_name_key" ON "agent"("workspace_id", "name");

-- CreateIndex
CREATE INDEX "conversation_workspace_id_id_idx" ON "conversation"("workspace_id", "id");

-- CreateIndex
CREATE INDEX "message_invocation_id_idx" ON "message"("invocation_id");

-- CreateIndex
CREATE UNIQUE INDEX "message_conversation_id_position_key" ON "message"("conversation_id", "position");

-- CreateIndex
CREATE UNIQUE INDEX "invocation_input_message_id_key" ON "invocation"("input_message_id");

-- CreateIndex
CREATE INDEX "invocation_workspace_id_id_idx" ON "invocation"("workspace_id", "id");

-- CreateIndex
CREATE INDEX "invocation_workspace_id_status_id_idx" ON "invocation"("workspace_id", "status", "id");

-- CreateIndex
CREATE INDEX "invocation_workspace_id_agent_id_id_idx" ON "invocation"("workspace_id", "agent_id", "id");

-- CreateIndex
CREATE INDEX "invocation_conversation_id_input_position_idx" ON "invocation"("conversation_id", "input_position");

-- CreateIndex
CREATE INDEX "invocation_status_id_idx" ON "invocation"("status", "id");

-- CreateIndex
CREATE INDEX "invocation_provider_status_idx" ON "invocation"("provider", "status");

-- CreateIndex
CREATE UNIQUE INDEX "invocation_workspace_id_idempotency_key_key" ON "invocation"("workspace_id", "idempotency_key");

-- CreateIndex
CREATE UNIQUE INDEX "worker_lock_key_key" ON "worker"("lock_key");

-- CreateIndex
CREATE INDEX "worker_heartbeat_at_idx" ON "worker"("heartbeat_at");

-- CreateIndex
CREATE INDEX "usage_record_workspace_id_id_idx" ON "usage_record"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "usage_record_invocation_id_attempt_key" ON "usage_record"("invocation_id", "attempt");

-- AddForeignKey
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agent" ADD CONSTRAINT "agent_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "conversation" ADD CONSTRAINT "conversation_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message" ADD CONSTRAINT "message_conversation_id_fkey" FOREIGN KEY ("conversation_id") REFERENCES "conversation"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message" ADD CONSTRAINT "message_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "agent"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invocation" ADD CONSTRAINT "invocation_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invocation" ADD CONSTRAINT "invocation_conversation_id_fkey" FOREIGN KEY ("conversation_id") REFERENCES "conversation"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invocation" ADD CONSTRAINT "invocation_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "agent"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "usage_record" ADD CONSTRAINT "usage_record_invocation_id_fkey" FOREIGN KEY ("invocation_id") REFERENCES "invocation"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Rows that are updated often keep room on their page, so that an update stays where the row is.
ALTER TABLE "conversation" SET (fillfactor = 70);
ALTER TABLE "invocation" SET (fillfactor = 70);
ALTER TABLE "worker" SET (fillfactor = 20, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0);
