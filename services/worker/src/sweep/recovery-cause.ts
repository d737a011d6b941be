/**
 * Why an invocation was recovered.
 *
 * - enqueue: its job never reached Redis.
 * - next: it is the first in its line, but was never dispatched.
 * - cancel: no process acted on its cancel.
 * - expire: its deadline passed while it was queued.
 * - lost: its worker died.
 * - missing_job: Redis lost its job.
 * - orphaned_job: Redis gave its job to a worker that died.
 * - unheard_job: Redis gave its job to a living worker, and the reply was lost.
 * - unheard_claim: its claim took effect, and the reply to the worker was lost.
 */
export const recoveryCauses = [
  'enqueue',
  'next',
  'cancel',
  'expire',
  'lost',
  'missing_job',
  'orphaned_job',
  'unheard_job',
  'unheard_claim',
] as const;
export type RecoveryCause = (typeof recoveryCauses)[number];
