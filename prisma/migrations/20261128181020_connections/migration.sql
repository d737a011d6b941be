-- AlterTable
ALTER TABLE "agent" ADD COLUMN     "connection_id" UUID;

-- CreateTable
CREATE TABLE "connection" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "base_url" TEXT,
    "headers" TEXT,
    "header_names" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "concurrency" INTEGER,
    "rate_per_minute" INTEGER,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "connection_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "connection_key" (
    "id" UUID NOT NULL,
    "connection_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "encrypted" TEXT NOT NULL,
    "last_four" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "connection_key_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "connection_workspace_id_id_idx" ON "connection"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "connection_workspace_id_name_key" ON "connection"("workspace_id", "name");

-- CreateIndex
CREATE INDEX "connection_key_connection_id_position_idx" ON "connection_key"("connection_id", "position");

-- AddForeignKey
ALTER TABLE "connection" ADD CONSTRAINT "connection_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "connection_key" ADD CONSTRAINT "connection_key_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connection"("id") ON DELETE CASCADE ON UPDATE CASCADE;
