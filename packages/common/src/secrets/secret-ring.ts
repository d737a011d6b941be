import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { AppError } from '../errors/app-error.ts';

/**
 * The installation's secrets, newest first. The newest one signs and encrypts; the others still verify and decrypt what was made before
 * a rotation. `context` is bound to what is encrypted: a value that is moved to another row does not decrypt there.
 */
export type SecretRing = {
  /** Eight hex digits that name a secret without telling it. */
  readonly ids: readonly string[];
  encrypt(text: string, context: string): string;
  /** Throws `secret_missing` where the ring lacks the secret, `internal_error` where the value was changed. */
  decrypt(encrypted: string, context: string): string;
  /** Keys of 256 bits for signatures, newest first, with their ids. */
  signingKeys(): { id: string; key: Uint8Array }[];
};

const format = /^nxe1\.([0-9a-f]{8})\.([\w-]+)$/;
const ivBytes = 12;
const tagBytes = 16;

export function createSecretRing(secrets: readonly string[]): SecretRing {
  const ring = secrets.map((secret) => ({
    id: createHash('sha256').update(`nexus secret id ${secret}`).digest('hex').slice(0, 8),
    encryption: derive(secret, 'encryption at rest'),
    signing: derive(secret, 'signed tokens'),
  }));

  return {
    ids: ring.map(({ id }) => id),
    encrypt(text, context) {
      const [newest] = ring;
      if (!newest) throw noSecret();
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', newest.encryption, iv).setAAD(Buffer.from(context));
      const body = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `nxe1.${newest.id}.${body.toString('base64url')}`;
    },
    decrypt(encrypted, context) {
      const id = secretIdOf(encrypted);
      const secret = ring.find((each) => each.id === id);
      if (!secret) throw missingSecret(id);
      const body = Buffer.from(encrypted.slice(encrypted.lastIndexOf('.') + 1), 'base64url');
      try {
        const decipher = createDecipheriv('aes-256-gcm', secret.encryption, body.subarray(0, ivBytes))
          .setAAD(Buffer.from(context))
          .setAuthTag(body.subarray(-tagBytes));
        return Buffer.concat([decipher.update(body.subarray(ivBytes, -tagBytes)), decipher.final()]).toString('utf8');
      } catch (cause) {
        throw new AppError('internal_error', 'A stored secret was changed outside of the system', { cause });
      }
    },
    signingKeys() {
      if (ring.length === 0) throw noSecret();
      return ring.map(({ id, signing }) => ({ id, key: signing }));
    },
  };
}

/** Which secret a value was encrypted with. */
export function secretIdOf(encrypted: string): string {
  const match = format.exec(encrypted);
  if (!match?.[1]) throw new AppError('internal_error', 'A stored secret has an unknown format');
  return match[1];
}

/** HKDF (RFC 5869): one secret gives a key of its own for each purpose. */
function derive(secret: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, 'agent-nexus', purpose, 32));
}

function noSecret(): AppError {
  return new AppError('secret_missing', 'NEXUS_SECRETS is not set: it signs tokens and encrypts what is secret');
}

function missingSecret(id: string): AppError {
  return new AppError(
    'secret_missing',
    `NEXUS_SECRETS lacks the secret ${id}, with which a stored value was encrypted`,
  );
}
