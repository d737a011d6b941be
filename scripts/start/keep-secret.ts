import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** A secret in a file that only its owner reads, made at the first start. */
export function keepSecret(file: string, make: () => string = randomSecret): string {
  if (existsSync(file)) {
    const kept = readFileSync(file, 'utf8').trim();
    if (kept !== '') return kept;
  }
  const secret = make();
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  return secret;
}

/** 256 bits. */
function randomSecret(): string {
  return randomBytes(32).toString('base64url');
}
