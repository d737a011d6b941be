import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const commands: [program: string, command: string][] = [
  ['apt-get', 'sudo apt-get install redis-server'],
  ['dnf', 'sudo dnf install redis'],
  ['apk', 'sudo apk add redis'],
  ['pacman', 'sudo pacman -S valkey'],
  ['zypper', 'sudo zypper install redis'],
  ['brew', 'brew install redis'],
];

/** The one command that installs Redis on this system. */
export function toInstallCommand(
  path = process.env.PATH ?? '',
  isRoot = process.getuid?.() === 0,
  platform: NodeJS.Platform = process.platform,
): string {
  const folders = path.split(delimiter);
  const found = commands.find(([program]) => folders.some((folder) => isExecutable(join(folder, program))));
  const command = found?.[1] ?? (platform === 'darwin' ? 'brew install redis' : 'see https://redis.io/downloads');
  return isRoot ? command.replace(/^sudo /, '') : command;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
