import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStack, type Stack } from './support/open-stack.ts';

const password = 'correct horse battery';

describe('the queue board', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await openStack({ gateways: 0, workers: 0, apis: 1 });
    await stack.start('api', { ADMIN_PASSWORD: password });
  });
  afterAll(() => stack.close());

  const basic = (user: string, secret: string) => ({
    authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`,
  });

  it('does not exist if it is not switched on', async () => {
    const url = stack.apis[0]?.url;
    expect((await fetch(`${url}/admin/queues`, { headers: basic('admin', password) })).status).toBe(404);
  });

  it.each([
    ['a request without credentials', {}],
    ['a wrong password', basic('admin', 'wrong')],
    ['a wrong user', basic('root', password)],
    ['another scheme', { authorization: `Bearer ${password}` }],
    ['nonsense', { authorization: 'Basic %%%' }],
  ])('refuses %s', async (_who, headers) => {
    for (const path of ['', '/api/queues', '/static/js/main.js']) {
      const answer = await fetch(`${stack.apiUrl}/admin/queues${path}`, { headers });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /);
      expect(await answer.json()).toMatchObject({ code: 'unauthorized' });
    }
  });

  it('shows the queues of all providers and their jobs, and is read-only', async () => {
    await stack.api.invoke({ agentId: stack.echoAgentId, message: 'wait for a worker' });
    const headers = basic('admin', password);
    const page = await fetch(`${stack.apiUrl}/admin/queues`, { headers });
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('Agent Nexus');
    const answer = await fetch(
      `${stack.apiUrl}/admin/queues/api/queues?activeQueue=invocations-echo&status=waiting&page=1`,
      {
        headers,
      },
    );
    const { queues } = (await answer.json()) as {
      queues: { name: string; readOnlyMode: boolean; counts: Record<string, number> }[];
    };
    expect(queues.map(({ name }) => name).toSorted()).toEqual([
      'invocations-echo',
      'invocations-gemini',
      'invocations-ollama',
      'invocations-openai',
    ]);
    expect(queues.every(({ readOnlyMode }) => readOnlyMode)).toBe(true);
    expect(queues.find(({ name }) => name === 'invocations-echo')?.counts.waiting).toBe(1);
    expect(JSON.stringify(queues)).not.toContain('wait for a worker');
    const drop = await fetch(`${stack.apiUrl}/admin/queues/api/queues/invocations-echo/empty`, {
      method: 'PUT',
      headers,
    });
    expect(drop.status).toBe(405);
  });

  it('writes no password into the log', () => {
    expect(stack.apis[1]?.output()).not.toContain(password);
    expect(stack.apis[1]?.output()).not.toContain(basic('admin', password).authorization.slice(6));
  });
});
