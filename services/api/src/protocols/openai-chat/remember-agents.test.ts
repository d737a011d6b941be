import { expect, it } from 'vitest';
import type { NamedAgent } from './find-agent.ts';
import { rememberAgents } from './remember-agents.ts';

function open() {
  let now = 0;
  const asked: string[] = [];
  const agents = new Map([['w echo', { id: 'a' } as NamedAgent]]);
  const find = rememberAgents(
    async (workspaceId, model) => {
      asked.push(`${workspaceId} ${model}`);
      return agents.get(`${workspaceId} ${model}`) ?? null;
    },
    () => now,
  );
  const pass = (ms: number) => {
    now += ms;
  };
  return { find, asked, agents, pass };
}

it('asks once a second for a name that has an agent', async () => {
  const { find, asked, agents, pass } = open();
  for (let times = 0; times < 3; times += 1) expect((await find('w', 'echo'))?.id).toBe('a');
  expect(asked).toHaveLength(1);
  agents.set('w echo', { id: 'b' } as NamedAgent);
  pass(1_001);
  expect((await find('w', 'echo'))?.id).toBe('b');
});

it('remembers no name that has none, and none of another workspace', async () => {
  const { find, asked, agents } = open();
  expect(await find('w', 'new')).toBeNull();
  agents.set('w new', { id: 'n' } as NamedAgent);
  expect((await find('w', 'new'))?.id).toBe('n');
  await find('w', 'echo');
  expect(await find('other', 'echo')).toBeNull();
  expect(asked).toEqual(['w new', 'w new', 'w echo', 'other echo']);
});
