/**
 * Why an invocation had to be taken on again. enqueue: its job never reached Redis. next: its turn came and nobody said so.
 * cancel: a wish to cancel that nobody acted on. expire: nobody began it before its deadline. lost: its worker died.
 * missing_job: Redis forgot its job. orphaned_job: its job was in the hands of a worker that died. unheard_job: its job was given to a
 * worker that never heard of it. unheard_claim: its worker never heard that its claim had taken effect.
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
