import { type ChaosRow, must } from '../chaos-row.ts';

const perMinute = 60;
/** While Redis is away no request may wait for it. */
const answerLimitMs = 1_000;

/** How many requests of an address are let through, one after the other, over these APIs in turn. */
async function countAdmitted(apis: { url: string }[], address: string): Promise<number> {
  let admitted = 0;
  for (let index = 0; index < 3 * perMinute; index += 1) {
    const from = performance.now();
    const headers = { 'x-forwarded-for': address };
    const response = await fetch(`${apis[index % apis.length]?.url}/api/agents?limit=1`, { headers });
    await response.body?.cancel();
    must([200, 429].includes(response.status), `a request was answered ${response.status}`);
    const ms = performance.now() - from;
    must(ms < answerLimitMs, `a request took ${ms} ms`);
    if (response.status === 200) admitted += 1;
  }
  return admitted;
}

export const limitsWithoutRedis: ChaosRow = {
  id: '10i',
  title: 'Redis stands still, then is gone, while clients exceed their limit',
  async run({ open }) {
    const env = { TRUSTED_PROXIES: '127.0.0.1', RATE_LIMIT_ANONYMOUS_PER_MINUTE: String(perMinute) };
    const chaos = await open({ apis: 2, workers: 1, env });
    const { apis, testRedis } = chaos.stack;
    const agentId = await chaos.agent('t20-n5-d5');
    // Two APIs: a tenth above, and what is asked while a report is on its way.
    const shared = perMinute * 1.1 + 6;
    const before = await countAdmitted(apis, '192.0.2.1');
    must(before >= perMinute && before <= shared, `${before} of ${perMinute} admitted with Redis`);
    testRedis.signal('SIGSTOP');
    const still = await countAdmitted(apis, '192.0.2.2');
    must(still === apis.length * perMinute, `${still} admitted while Redis stood still`);
    testRedis.signal('SIGCONT');
    await testRedis.stop();
    const gone = await countAdmitted(apis, '192.0.2.3');
    must(gone === apis.length * perMinute, `${gone} admitted while Redis was gone`);
    must((await countAdmitted(apis, '192.0.2.1')) === 0, 'what was used up before was forgotten');
    await chaos.post(agentId, 'posted without Redis');
    await testRedis.start();
    await chaos.verify({ boundMs: 30_000 });
    const after = await countAdmitted(apis, '192.0.2.4');
    must(after >= perMinute && after <= shared, `${after} of ${perMinute} admitted after Redis came back`);
    return `${before} of ${perMinute} let through by two APIs with Redis, ${perMinute} by each without, ${after} afterwards`;
  },
};
