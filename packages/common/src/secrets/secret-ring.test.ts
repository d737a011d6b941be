import { describe, expect, it } from 'vitest';
import { createSecretRing } from './secret-ring.ts';

const older = 'an older secret of thirty-two characters';
const newer = 'a newer secret of thirty-two characters!';

describe('the secret ring', () => {
  it('decrypts what it encrypted, and each time it is another text', () => {
    const ring = createSecretRing([newer]);
    const [first, second] = [ring.encrypt('sk-secret', 'row 1'), ring.encrypt('sk-secret', 'row 1')];
    expect(first).not.toBe(second);
    expect(first).not.toContain('sk-secret');
    expect(ring.decrypt(first, 'row 1')).toBe('sk-secret');
  });

  it('decrypts with an older secret after a rotation, and encrypts with the newest', () => {
    const before = createSecretRing([older]).encrypt('sk-secret', 'row');
    const ring = createSecretRing([newer, older]);
    expect(ring.decrypt(before, 'row')).toBe('sk-secret');
    expect(() => createSecretRing([older]).decrypt(ring.encrypt('x', 'row'), 'row')).toThrow(/NEXUS_SECRETS lacks/);
  });

  it('names the secret that is missing, and no secret', () => {
    const encrypted = createSecretRing([older]).encrypt('sk-secret', 'row');
    const [id] = createSecretRing([older]).ids;
    expect(() => createSecretRing([newer]).decrypt(encrypted, 'row')).toThrow(String(id));
    expect(() => createSecretRing([]).encrypt('x', 'row')).toThrow('NEXUS_SECRETS is not set');
    expect(id).toMatch(/^[0-9a-f]{8}$/);
    expect(older).not.toContain(String(id));
  });

  it('refuses a value that was changed, or that belongs to another row', () => {
    const ring = createSecretRing([newer]);
    const encrypted = ring.encrypt('sk-secret', 'row 1');
    expect(() => ring.decrypt(encrypted, 'row 2')).toThrow(/changed/);
    const flipped = encrypted.slice(0, -2) + (encrypted.endsWith('AA') ? 'BB' : 'AA');
    expect(() => ring.decrypt(flipped, 'row 1')).toThrow(/changed/);
  });
});
