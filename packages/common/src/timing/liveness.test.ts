import { describe, expect, it } from 'vitest';
import { liveness } from './liveness.ts';

/** Each: the smaller, the larger, and what breaks otherwise. */
const order: [smaller: number, larger: number, why: string][] = [
  [liveness.beatEveryMs, liveness.heardMs, 'a worker that beats in time would doubt each refused claim'],
  [liveness.beatEveryMs, liveness.judgeMs, 'a sweeper that beats in time could declare nobody dead'],
  [liveness.heardMs, liveness.silentMs, 'a worker would trust a refusal that it got because it counted as dead'],
  [liveness.judgeMs, liveness.silentMs, 'a sweeper could declare others dead for a silence that it shares'],
  [2 * liveness.beatEveryMs - 1, liveness.silentMs, 'one heartbeat that is late would kill a worker'],
  [
    liveness.silentMs + liveness.beatEveryMs - 1,
    liveness.steadyMs,
    'a sweeper that comes back could declare dead who was cut off with it and has had no time to beat',
  ],
  [liveness.silentMs, liveness.pauseMs, 'a worker would pause before anybody doubts it'],
  [liveness.pauseCheckMs, liveness.beatEveryMs, 'a worker would notice its own silence a whole beat late'],
  [liveness.silentMs, liveness.holderMs, 'a job would be given out again while its holder may still claim it'],
  [liveness.holderMs, liveness.lostLockMs, 'a job would wait longer than a running invocation for its dead worker'],
  [liveness.pauseMs, liveness.lostLockMs, 'a worker would take jobs when others count it as dead'],
  [liveness.lostLockMs, liveness.postgresStartMs, 'workers would be dead before they had their locks again'],
  [
    liveness.lockCheckEveryMs + liveness.lockAnswerLimitMs + liveness.lockRetryMs,
    liveness.postgresStartMs,
    'a lock whose connection died with Postgres would be missed before its worker had noticed',
  ],
  [liveness.postgresStartMs, liveness.hungMs, 'a hung worker would be found sooner than a dead one after a restart'],
  [liveness.hungMs, liveness.forgottenMs, 'rows would be deleted before the sweep took over what ran on them'],
  [liveness.noteEnqueuedMs, liveness.leaveAloneMs, 'the sweep would enqueue each invocation a second time'],
  [liveness.sweepEveryMs, liveness.silentMs, 'a dead worker would be found late though its silence is known'],
  [liveness.leaveAloneMs, liveness.jobCheckMs, 'the sweep would ask Redis for jobs that are just being added'],
];

describe('the times of liveness', () => {
  it.each(order)('%i ms is less than %i ms: else %s', (smaller, larger) => {
    expect(smaller).toBeLessThan(larger);
  });
});
