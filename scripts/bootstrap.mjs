// Plain JavaScript for whatever Node the system has: installs what is missing, then hands over to the project's own Node 24.
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

/** They win over the environment: with NODE_ENV=production npm would leave out packages that the start itself needs. */
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
  if (error?.code === 'ENOENT') fail('npm is missing: install Node.js 20 or newer, which brings it.');
  if (status !== 0)
    fail('The dependencies could not be installed: see the message of npm above. Is the npm registry reachable?');
  if (!existsSync(ownNode)) fail(whyNodeIsMissing());
  writeFileSync(stamp, lockHash());
}

/** The packages of Node and of Postgres fetch or link their binaries in install scripts. */
function whyNodeIsMissing() {
  const missing = 'The npm package "node" did not install its binary, as its install script was not run';
  const ignores = runNpm(['config', 'get', 'ignore-scripts'], 'pipe').stdout?.trim() === 'true';
  return ignores
    ? `${missing}: npm's setting ignore-scripts is on. Allow them for this project: npm_config_ignore_scripts=false npm start`
    : `${missing}: was it denied?`;
}

if (Number(process.versions.node.split('.')[0]) < 20)
  fail(`Node.js 20 or newer is needed to begin; this is ${process.version}.`);
if (!isInstalled()) install();

// The client first: everything that is handed over to imports it.
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
// In a group of its own: a terminal's Ctrl-C reaches this process alone, which passes it on, so that the child stops what it started
// in order instead of everything being interrupted at once.
const child = spawn(ownNode, [quiet, join(root, script), ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'), ...process.env },
  detached: process.platform !== 'win32',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
// npm passes some signals on to nobody: when whoever started this is gone, so is the reason to run.
const starter = process.ppid;
setInterval(() => process.ppid !== starter && child.kill('SIGTERM'), 1_000).unref();
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
