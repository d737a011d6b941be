import { styleText } from 'node:util';
import { deployMigrations } from '../prisma/migrate.ts';
import { describeDatabase } from '../prisma/schema-engine.ts';
import { seed } from '../prisma/seed.ts';
import { openLocalPostgres } from './local-stack/open-local-postgres.ts';
import { openLocalRedis } from './local-stack/open-local-redis.ts';
import { assertPortsFree } from './start/assert-ports-free.ts';
import { assertRedisUsable, hostsOf } from './start/assert-redis-usable.ts';
import { createStopper } from './start/create-stopper.ts';
import { findWhatIsLacking } from './start/find-what-is-lacking.ts';
import { greet } from './start/greet.ts';
import { keepRunning } from './start/keep-running.ts';
import { keepSecret } from './start/keep-secret.ts';
import { listServices } from './start/list-services.ts';
import { lockStateFolder } from './start/lock-state-folder.ts';
import { openService, type ServiceSpec } from './start/open-service.ts';
import { openStartKey } from './start/open-start-key.ts';
import { readOptions, type StartOptions, usage } from './start/read-options.ts';

/** The URLs already contain the passwords. A service would otherwise put these variables into the URLs again, also into those of local stores. */
const passwordsInUrls = {
  DATABASE_PASSWORD: '',
  DATABASE_PASSWORD_FILE: '',
  REDIS_PASSWORD: '',
  REDIS_PASSWORD_FILE: '',
};

/** A model server on one's own machine is what connections are tried with first. */
const loopbackNetworks = '127.0.0.0/8,::1';

const say = (line: string) => console.log(`${styleText('cyan', '›')} ${line}`);
const warning = 40;

/** Log lines below this level are not printed until the first answer has been shown. */
let quietBelow = warning;
let delayedLines: string[] | null = null;
const print = (line: string, level: number) => {
  if (level < quietBelow) return;
  if (delayedLines) delayedLines.push(line);
  else console.log(line);
};

if (process.argv.slice(2).some((argument) => ['-h', '--help'].includes(argument))) {
  console.log(usage);
  process.exit(0);
}

const stopper = createStopper(say);
try {
  await start();
} catch (error) {
  if (!stopper.stopping()) console.error(styleText('red', error instanceof Error ? error.message : String(error)));
  await stopper.stop(1);
}

async function start(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  for (const remark of options.remarks) say(styleText('yellow', remark));
  const lock = await lockStateFolder(options.stateFolder, say);
  stopper.onStopping(lock.stopping);
  stopper.onStop('the lock', lock.release);
  await assertPortsFree(options);
  const lacking = findWhatIsLacking();

  const databaseUrl = await openDatabase(options);
  const redisUrl = await openRedis(options);
  const applied = await deployMigrations(databaseUrl);
  say(applied.length > 0 ? `Database migrated (${applied.join(', ')})` : 'Database is up to date');
  const added = await seed(databaseUrl, { withEcho: true });
  say(added > 0 ? `Seeded ${added} agents` : 'Found the agents and conversations of an earlier start');

  const key = options.auth === 'keys' ? await openStartKey(databaseUrl, options.stateFolder) : null;

  const env = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    REDIS_CLUSTER: options.redisCluster ? 'on' : 'off', // one of our own is none
    NEXUS_AUTH: options.auth,
    ...(options.hasSecrets ? {} : { NEXUS_SECRETS: keepSecret(`${options.stateFolder}/secrets`) }),
    ...(options.hasAllowList ? {} : { ADDRESS_ALLOW_LIST: loopbackNetworks }),
    ...passwordsInUrls,
  };
  const specs = listServices(options).map((each): ServiceSpec => ({ ...each, env, print }));
  say(`Starting ${specs.map(({ name }) => name).join(', ')} …`);
  await Promise.all(specs.map((spec) => keepRunning(spec, openService, stopper, say)));

  await greet({
    options,
    key,
    lacking,
    say,
    write: (text) => process.stdout.write(text),
    stopping: stopper.stopping,
    whileShowing: delayLines,
  });
  quietBelow = 0;
}

/** Delays log lines while `show` writes, because they would cut its text in two. */
async function delayLines(show: () => Promise<void>): Promise<void> {
  delayedLines = [];
  try {
    await show();
  } finally {
    for (const line of delayedLines) console.log(line);
    delayedLines = null;
  }
}

async function openDatabase({ databaseUrl, stateFolder }: StartOptions): Promise<string> {
  if (databaseUrl) {
    say(`Postgres: ${describeDatabase(databaseUrl)} (DATABASE_URL)`);
    return databaseUrl;
  }
  say('Postgres: starting a local one …');
  const opening = openLocalPostgres({ dataFolder: `${stateFolder}/postgres` });
  stopper.onStop('Postgres', () => stopOpened(opening));
  return (await opening).url;
}

async function openRedis({ redisUrl, redisCluster, stateFolder }: StartOptions): Promise<string> {
  if (redisUrl) {
    say(`Redis: ${hostsOf(redisUrl)} (REDIS_URL)`);
    await assertRedisUsable(redisUrl, redisCluster);
    return redisUrl;
  }
  say('Redis: starting a local one …');
  const stopping = new AbortController();
  stopper.onStopping(() => stopping.abort());
  const opening = openLocalRedis({
    dataFolder: `${stateFolder}/redis`,
    appendOnly: true,
    allowContainer: true,
    say,
    signal: stopping.signal,
  });
  stopper.onStop('Redis', () => stopOpened(opening));
  return (await opening).url;
}

/** Waits until the part is open, then stops it. A part that failed to open has already ended. */
async function stopOpened(opening: Promise<{ stop(): Promise<void> }>): Promise<void> {
  const opened = await opening.catch(() => null);
  await opened?.stop();
}
