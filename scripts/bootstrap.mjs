// Plain JavaScript, because it runs on the system's own Node: installs what is missing, then starts the script on the project's Node 24.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules', '.nexus-lock.sha256');
const ownNode = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');

function fail(message) {
  console.error(message);
  process.exit(1);
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function isInstalled() {
  return existsSync(ownNode) && existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash();
}

/** Flags override the environment. With NODE_ENV=production npm would leave out packages that the start needs. */
const installFlags = [
  '--include=dev',
  '--include=optional',
  '--bin-links',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
];

function runNpm(args, stdout) {
  return spawnSync('npm', args, {
    cwd: root,
    stdio: ['ignore', stdout, 'inherit'],
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
}

function install() {
  console.error('Installing dependencies from the npm registry, about a minute …');
  const { error, status } = runNpm(['ci', ...installFlags], 'inherit');
  if (error?.code === 'ENOENT') fail('npm is missing. Install Node.js 20 or newer, which includes it.');
  if (status !== 0)
    fail("npm could not install the dependencies: see npm's message above. Can this machine reach the npm registry?");
  if (!existsSync(ownNode)) fail(whyNodeIsMissing());
  writeFileSync(stamp, lockHash());
}

/** The npm packages of Node and Postgres fetch or link their binaries in install scripts. */
function whyNodeIsMissing() {
  const missing = 'The npm package "node" did not install its binary, because its install script did not run';
  const ignores = runNpm(['config', 'get', 'ignore-scripts'], 'pipe').stdout?.trim() === 'true';
  return ignores
    ? `${missing}: npm's setting ignore-scripts is on. Allow them for this project: npm_config_ignore_scripts=false npm start`
    : `${missing}. Does npm deny install scripts?`;
}

if (Number(process.versions.node.split('.')[0]) < 20)
  fail(`Agent Nexus needs Node.js 20 or newer to begin; this is ${process.version}.`);
if (!isInstalled()) install();

// Every script imports the database client, so generate it first.
const quiet = '--disable-warning=ExperimentalWarning'; // migrations run on WebAssembly, imported as a module
const generated = spawnSync(ownNode, [join(root, 'prisma', 'generate.ts')], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (generated.status !== 0) {
  const options = process.env.NODE_OPTIONS ? ' NODE_OPTIONS is set: try without it.' : '';
  fail(`The database client could not be generated: see the message above.${options}`);
}

const [script, ...args] = process.argv.slice(2);
if (script === undefined) process.exit(0);
// A process group of its own: Ctrl-C in a terminal then reaches only this process, which passes it on. So the child can stop its processes in
// order. Otherwise the terminal would interrupt all of them at once.
const child = spawn(ownNode, [quiet, join(root, script), ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'), ...process.env },
  detached: process.platform !== 'win32',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
// npm does not pass on every signal, so stop when the parent process is gone.
const starter = process.ppid;
setInterval(() => process.ppid !== starter && child.kill('SIGTERM'), 1_000).unref();
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
