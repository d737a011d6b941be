import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { toInstallCommand } from './install-command.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-install-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it.each([
  ['apt-get', 'sudo apt-get install redis-server'],
  ['dnf', 'sudo dnf install redis'],
  ['apk', 'sudo apk add redis'],
  ['pacman', 'sudo pacman -S valkey'],
  ['zypper', 'sudo zypper install redis'],
  ['brew', 'brew install redis'],
])('names the command of a system with %s', (program, command) => {
  writeFileSync(join(folder, program), '', { mode: 0o755 });
  expect(toInstallCommand(`/nowhere:${folder}`, false, 'linux')).toBe(command);
  expect(toInstallCommand(folder, true, 'linux')).toBe(command.replace('sudo ', ''));
});

it('names one too where it finds no program to install with', () => {
  expect(toInstallCommand(folder, false, 'darwin')).toBe('brew install redis');
  expect(toInstallCommand(folder, false, 'linux')).toContain('https://');
});
