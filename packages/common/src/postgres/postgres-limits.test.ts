import { describe, expect, it } from 'vitest';
import { liveness } from '../timing/liveness.ts';
import { postgresLimits } from './postgres-limits.ts';

describe('the limits of a connection to Postgres', () => {
  it('give a heartbeat up, and let another be sent, before its worker counts as hung', () => {
    const { connectionTimeoutMillis, query_timeout } = postgresLimits;
    expect(connectionTimeoutMillis + query_timeout + liveness.beatEveryMs).toBeLessThan(liveness.hungMs);
  });

  it('let a worker connect again before it can be declared dead after a restart of Postgres', () => {
    expect(postgresLimits.connectionTimeoutMillis + liveness.beatEveryMs).toBeLessThan(liveness.postgresStartMs);
  });
});
