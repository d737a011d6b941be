import { expect, it } from 'vitest';
import { toPath } from './to-path.ts';

it.each([
  ['/api/agents?limit=1', '/api/agents?limit=1'],
  ['http://localhost:3001/api/agents?limit=1', '/api/agents?limit=1'],
  ['HTTP://localhost', '/'],
  ['http://[::/api/agents', '/http://[::/api/agents'],
  ['http://localhost:99999/api/agents', '/http://localhost:99999/api/agents'],
  ['*', '/*'],
])('takes %s for the path %s', (target, path) => {
  expect(toPath(target)).toBe(path);
});
