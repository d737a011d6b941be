/** Licences that ask for no more than their own text to be passed on. */
const allowed = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
]);

export type InstalledPackage = { name: string; version: string; licence: string | null };
export type LicenceException = { name: string; licence: string | null; reason: string };

/** Every package whose licence is neither allowed nor excepted, a line each. */
export function judgeLicences(packages: InstalledPackage[], exceptions: LicenceException[]): string[] {
  const isExcepted = ({ name, licence }: InstalledPackage) =>
    exceptions.some((each) => each.name === name && each.licence === licence);
  return packages
    .filter((each) => !isAllowed(each.licence) && !isExcepted(each))
    .map(({ name, version, licence }) => `${name}@${version}: ${licence ?? 'names no licence'}`)
    .toSorted();
}

/** Exceptions that no installed package needs any more. */
export function findUnused(packages: InstalledPackage[], exceptions: LicenceException[]): string[] {
  const isNeeded = ({ name, licence }: LicenceException) =>
    packages.some((each) => each.name === name && each.licence === licence);
  return exceptions.filter((each) => !isNeeded(each)).map(({ name }) => `${name}: its exception is of no use any more`);
}

/** An SPDX expression: of `OR` one will do, of `AND` all have to. */
function isAllowed(expression: string | null): boolean {
  if (expression === null) return false;
  const plain = expression.replaceAll(/[()]/g, '');
  return plain.split(/ OR /i).some((choice) => choice.split(/ AND /i).every((licence) => allowed.has(licence.trim())));
}
