/**
 * Every time by which processes judge whether a worker lives, in milliseconds. They depend on each other: the test beside this file says how.
 * A worker is *silent* for as long as its row has had no heartbeat.
 */
export const liveness = {
  /** A worker writes its heartbeat this often. */
  beatEveryMs: 500,
  /** A worker whose last heartbeat is younger knows that Postgres accepts its claims: a claim that is refused now is refused for good. */
  heardMs: 750,
  /** A worker whose own last heartbeat is older declares no worker dead: its own view of Postgres may be late. */
  judgeMs: 900,
  /** A silent worker without its life lock is dead after this, and may claim nothing. One beat may be missed. */
  silentMs: 1_000,
  /** A worker that was silent itself declares no worker dead for this long: the others may have been cut off too, and only now beat again. */
  steadyMs: 1_500,
  /** A worker that is silent for this long takes no jobs from the queue, until it beats again. */
  pauseMs: 1_500,
  /** A worker looks this often whether to pause. */
  pauseCheckMs: 250,
  /** The worker that has a job is alive if it beat within this time. Otherwise the sweep dispatches the invocation again. */
  holderMs: 3_000,
  /**
   * A worker that had lost its life lock while it lived is dead after this silence: it has its heartbeat alone. Clients and the health
   * check count a worker as online until then.
   */
  lostLockMs: 5_000,
  /** After a start of Postgres no worker is declared dead for this long: every life lock is gone although the workers live. */
  postgresStartMs: 10_000,
  /** A worker that holds its life lock is dead after this silence: its process hangs. Before, it may still come back. */
  hungMs: 30_000,
  /** The row of a worker that is silent for this long is deleted. */
  forgottenMs: 3_600_000,

  /** The connection of the life lock is checked this often, and given up when it does not answer within the limit. */
  lockCheckEveryMs: 2_000,
  lockAnswerLimitMs: 5_000,
  /** The pause before the life lock connects again. */
  lockRetryMs: 250,

  /** A worker sweeps this often, give or take a fifth. */
  sweepEveryMs: 500,
  /** The process that stores an invocation notes after this that Redis holds its job. */
  noteEnqueuedMs: 100,
  /** The sweep leaves a row alone for this long: the process that wrote it is still at work on it. */
  leaveAloneMs: 400,
  /** The sweep looks whether Redis still has a job once it was enqueued this long ago. */
  jobCheckMs: 1_000,
} as const;
