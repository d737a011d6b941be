import { spawnSync } from 'node:child_process';
import type { Database } from '@nexus/common/postgres/open-database';
import { rotateSecrets } from '@nexus/common/secrets/rotate-secrets';
import { createSecretRing } from '@nexus/common/secrets/secret-ring';
import { loadSecretUses } from '@nexus/common/secrets/secret-uses';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApiClient } from './support/api-client.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { testSecret } from './support/start-service.ts';

const newerSecret = 'a newer secret that only tests have: long';
const otherSecret = 'another secret which encrypted nothing yet';
const [testId = '', newerId = '', otherId = ''] = createSecretRing([testSecret, newerSecret, otherSecret]).ids;
const key = 'sk-the-key-of-a-test';

describe('the secrets of an installation', () => {
  let stack: Stack;
  /** The first one, while others come and go. */
  const api = createApiClient(() => stack.apis[0]?.url ?? '');
  beforeAll(async () => {
    stack = await openStack({ gateways: 0, workers: 0 });
  });
  afterAll(() => stack.close());
  beforeEach(async () => {
    await stack.database.connection.deleteMany();
  });

  const create = (name: string, body: object = { keys: [{ key }], headers: { 'x-team': 'blue' } }) =>
    api.send<{ id: string; code: string; detail: string; keys: { id: string }[] }>('POST', '/api/connections', {
      name,
      provider: 'openai',
      ...body,
    });

  function run(command: string, ...secrets: string[]) {
    return runIn('scripts/secrets.ts', command, ...secrets);
  }

  function runIn(file: string, command: string, ...secrets: string[]) {
    const { stdout, stderr, status } = spawnSync(process.execPath, [file, command], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: stack.testDatabase.url,
        NEXUS_SECRETS: secrets.join(','),
        NEXUS_STATE_FOLDER: '/nowhere',
      },
      encoding: 'utf8',
    });
    for (const secret of secrets) expect(stdout + stderr).not.toContain(secret);
    return { stdout, stderr, status };
  }

  it('check says which secret is needed by how many rows, and whether the ring has it', async () => {
    expect(run('check', testSecret)).toMatchObject({ status: 0, stderr: 'No stored value is encrypted.\n' });
    await create('One');
    await create('Two', { keys: [{ key }, { key }] });
    const good = run('check', newerSecret, testSecret);
    expect(good.status).toBe(0);
    expect(good.stdout.trim().split('\n')).toEqual([
      `${testId}  1 × connection  older: rotate`,
      `${testId}  3 × connection_key  older: rotate`,
      `${newerId}  no stored value needs it  newest`,
    ]);
    expect(runIn('deploy/secrets.ts', 'check', newerSecret, testSecret)).toEqual(good); // as the image has it
    const lacking = run('check', newerSecret);
    expect([lacking.status, lacking.stdout]).toEqual([
      1,
      expect.stringContaining(`${testId}  1 × connection  MISSING`),
    ]);
  });

  it('rotate encrypts everything with the newest secret, and refuses a ring that lacks one', async () => {
    const { body } = await create('Rotated', {
      keys: Array.from({ length: 20 }, () => ({ key })),
      headers: { a: 'b' },
    });
    const many = Array.from({ length: 12 }, (_, index) =>
      create(`Many ${index}`, { keys: Array.from({ length: 10 }, () => ({ key })) }),
    );
    await Promise.all(many); // more than one batch of 100
    const refused = run('rotate', newerSecret, otherSecret);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining(`${testId} (`)]);
    const rotated = run('rotate', newerSecret, testSecret);
    expect([rotated.status, rotated.stderr]).toEqual([0, expect.stringContaining('Encrypted 141 values again')]);
    expect(await loadSecretUses(stack.database)).toEqual([
      { secretId: newerId, table: 'connection', rows: 1 },
      { secretId: newerId, table: 'connection_key', rows: 140 },
    ]);
    const row = await stack.database.connectionKey.findFirstOrThrow({ where: { id: body.keys[0]?.id ?? '' } });
    const context = `connection_key.encrypted ${row.id}`;
    expect(createSecretRing([newerSecret]).decrypt(row.encrypted, context)).toBe(key);
    expect(run('rotate', newerSecret, testSecret).stderr).toContain('Encrypted 0 values again');
  });

  it('rotate loses nothing that somebody else writes meanwhile', async () => {
    const { body } = await create('Raced');
    const id = body.keys[0]?.id ?? '';
    const context = `connection_key.encrypted ${id}`;
    const ring = createSecretRing([newerSecret, testSecret]);
    let written = '';
    const { database } = stack;
    /** Between the reading of a row and its update. */
    const racing = {
      async $queryRaw(strings: TemplateStringsArray, ...values: unknown[]) {
        if (strings[0]?.includes('UPDATE')) {
          written = createSecretRing([testSecret]).encrypt('sk-written-meanwhile', context); // another text each time
          await database.connectionKey.updateMany({ where: { id }, data: { encrypted: written } });
        }
        return database.$queryRaw(strings, ...values);
      },
    } as unknown as Database;
    await rotateSecrets(racing, ring);
    const read = async () => (await database.connectionKey.findUniqueOrThrow({ where: { id } })).encrypted;
    expect(await read()).toBe(written);
    await rotateSecrets(database, ring);
    expect(await read()).not.toBe(written);
    expect(ring.decrypt(await read(), context)).toBe('sk-written-meanwhile');
  });

  it('rotate names a value that was changed outside of the system, and goes on with the others', async () => {
    const [changed, fine] = [(await create('Changed')).body, (await create('Fine')).body];
    const moved = await stack.database.connectionKey.findFirstOrThrow({ where: { connectionId: fine.id } });
    await stack.database.connectionKey.updateMany({
      where: { connectionId: changed.id },
      data: { encrypted: moved.encrypted }, // another row's, which decrypts only there
    });
    const { status, stderr } = run('rotate', newerSecret, testSecret);
    expect(status).toBe(1);
    expect(stderr).toContain(`connection_key ${changed.keys[0]?.id}: was changed outside of the system`);
    expect(stderr).not.toContain(`${fine.keys[0]?.id}:`);
  });

  it.each(['api', 'worker'] as const)('the %s does not start with a ring that lacks a needed secret', async (name) => {
    await create('Needed');
    const refused = await stack.start(name, { NEXUS_SECRETS: otherSecret }).catch((error: unknown) => String(error));
    expect(refused).toContain('exited with 1');
    expect(refused).toContain('cannot start (secret_missing)');
    expect(refused).toContain(`NEXUS_SECRETS lacks secrets; stored values need ${testId} (1 × connection)`);
    for (const part of [otherId, otherSecret, testSecret, key]) expect(refused).not.toContain(part);
    const complete = await stack.start(name, { NEXUS_SECRETS: `${otherSecret},${testSecret}` });
    await complete.stop();
  });

  it('a service without secrets asks for them by name as soon as something needs them', async () => {
    const bare = await stack.start('api', { NEXUS_SECRETS: '' });
    const post = async (body: object) => {
      const response = await fetch(`${bare.url}/api/connections`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ provider: 'openai', ...body }),
      });
      return { status: response.status, body: (await response.json()) as { code: string; detail: string } };
    };
    expect((await post({ name: 'Bare' })).status).toBe(201);
    const refused = await post({ name: 'With a key', keys: [{ key }] });
    expect([refused.status, refused.body.code]).toEqual([503, 'secret_missing']);
    expect(refused.body.detail).toContain('NEXUS_SECRETS is not set');
    expect(await stack.database.connection.count()).toBe(1);
    await bare.stop();
  });
});
