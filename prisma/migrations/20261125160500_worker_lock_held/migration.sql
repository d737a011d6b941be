-- AlterTable
ALTER TABLE "worker" ADD COLUMN     "lock_held" BOOLEAN NOT NULL DEFAULT false;
