import { existsSync, readFileSync } from 'node:fs';
import type { InstalledPackage } from './judge-licences.ts';

type Lock = { packages: Record<string, { dev?: boolean; link?: boolean }> };
type Manifest = { name: string; version: string; license?: string | { type: string }; licenses?: { type: string }[] };

/** Every installed package that is not for development alone, as its own package.json names it. */
export function listInstalled(root: string): InstalledPackage[] {
  const lock = JSON.parse(readFileSync(`${root}node_modules/.package-lock.json`, 'utf8')) as Lock;
  return Object.entries(lock.packages)
    .filter(([path, { dev, link }]) => !dev && !link && path.includes('node_modules/'))
    .map(([path]) => `${root}${path}/package.json`)
    .filter((file) => existsSync(file)) // one of another platform is not installed
    .map((file) => toInstalled(JSON.parse(readFileSync(file, 'utf8')) as Manifest));
}

/** Old packages hold an object, or a list of which one may be chosen. */
function toInstalled({ name, version, license, licenses }: Manifest): InstalledPackage {
  const old = typeof license === 'object' ? [license] : (licenses ?? []);
  const named = typeof license === 'string' ? license : old.map(({ type }) => type).join(' OR ');
  return { name, version, licence: named === '' ? null : named };
}
