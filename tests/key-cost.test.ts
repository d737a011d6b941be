import { scopes } from '@nexus/common/principals/scope';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { countOf, openStatementCounter, type StatementCounter } from '../bench/counts/count-statements.ts';
import { type SeenCommand, watchRedis } from '../bench/counts/watch-redis.ts';
import { makeKey } from './support/make-key.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import type { RunningService } from './support/start-service.ts';
import { waitUntil } from './support/wait-until.ts';

const posts = 20;

let stack: Stack;
let open: RunningService;
let withKeys: RunningService;
let token: string;
beforeAll(async () => {
  stack = await openStack({ gateways: 0, workers: 0, apis: 0 });
  open = await stack.start('api', { NEXUS_AUTH: 'off' });
  withKeys = await stack.start('api', { NEXUS_AUTH: 'keys' });
  token = await makeKey(stack.testDatabase.url, scopes);
});
afterAll(() => stack.close());
