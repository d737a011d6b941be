import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readApiConfig } from '../services/api/src/api-config.ts';
import { readGatewayConfig } from '../services/gateway/src/gateway-config.ts';
import { toProviderConfig } from '../services/worker/src/providers/provider-config.ts';
import { readWorkerConfig } from '../services/worker/src/worker-config.ts';

const needed = { DATABASE_URL: 'postgresql://user@127.0.0.1/nexus', REDIS_URL: 'redis://127.0.0.1' };
type Setting = Record<string, string>;

/** All settings as the three services read them. Throws if a setting is invalid. */
const read = (setting: Setting): Record<string, unknown> => ({
  ...readApiConfig({ ...needed, ...setting }),
  ...readGatewayConfig({ ...needed, ...setting }),
  ...readWorkerConfig({ ...needed, ...setting }),
});

/** The error of the service about the setting; fails if the service accepts it. */
function refusalOf(setting: Setting): string {
  let taken: unknown;
  try {
    taken = read(setting);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`taken as ${JSON.stringify(taken)}`);
}

describe('a setting with odd but clear spelling', () => {
  it.each<[name: string, written: string, means: unknown]>([
    ['OPENAI_API_KEY', ' sk-pasted\n', 'sk-pasted'],
    ['OPENAI_API_KEY', '\uFEFFsk-pasted', 'sk-pasted'],
    ['OPENAI_API_KEY', '   ', undefined],
    ['OPENAI_API_KEY', 'not needed', 'not needed'],
    ['API_PORT', '', 3001],
    ['API_PORT', ' 8080 ', 8080],
    ['API_PORT', '0', 0],
    ['ECHO_DELAY_MS', '', 30],
    ['API_HOST', '[::1]', '::1'],
    ['API_HOST', 'LOCALHOST', 'localhost'],
    ['LOG_LEVEL', 'WARN', 'warn'],
    ['LOG_LEVEL', ' Debug', 'debug'],
    ['NEXUS_AUTH', 'OFF', 'off'],
    ['REDIS_CLUSTER', '1', true],
    ['REDIS_CLUSTER', 'Yes', true],
    ['REDIS_CLUSTER', 'FALSE', false],
    ['WORKER_PROVIDERS', 'Echo, OLLAMA,', ['echo', 'ollama']],
    ['ALLOWED_HOSTS', 'Nexus.example, other', ['Nexus.example', 'other']],
    ['ADDRESS_ALLOW_LIST', 'ollama.internal, 10.0.0.0/8, ::1', ['ollama.internal', '10.0.0.0/8', '::1']],
    ['CORS_ORIGINS', 'http://a/, HTTPS://B.example:443', ['http://a', 'https://b.example']],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:4318/v1/traces', 'http://127.0.0.1:4318'],
    ['ADMIN_PASSWORD', ' with blanks around ', ' with blanks around '],
    ['ADMIN_PASSWORD', 'pasted with a line end\r\n', 'pasted with a line end'],
  ])('%s=%j', (name, written, means) => {
    expect(read({ [name]: written, ...(name === 'REDIS_CLUSTER' ? {} : { REDIS_CLUSTER: 'off' }) })[name]).toEqual(
      means,
    );
  });

  it('base URLs may end with a slash', () => {
    const config = readWorkerConfig({
      ...needed,
      OLLAMA_BASE_URL: 'http://127.0.0.1:11434/',
      OPENAI_BASE_URL: 'http://a/v1//',
    });
    expect(toProviderConfig(config)).toMatchObject({
      ollama: { baseUrl: 'http://127.0.0.1:11434' },
      openai: { baseUrl: 'http://a/v1' },
    });
  });
});

describe('an invalid setting is refused with its name and what was expected, and without its value', () => {
  it.each<[name: string, value: string, expected: string]>([
    ['OPENAI_API_KEY', 'sk-sec\nret', 'text in one line'],
    ['OPENAI_API_KEY', 'sk-sec\u0000ret', 'text in one line'],
    ['GEMINI_API_KEY', 'sk-sec\tret', 'text in one line'],
    ['GEMINI_API_KEY', 'sk-secret\u200b', 'printable ASCII'],
    ['OPENAI_API_KEY', 'sk-sеcret', 'printable ASCII'], // its е is Cyrillic
    ['OPENAI_API_KEY', 'sk-secret\u2026', 'printable ASCII'],
    ['OPENAI_API_KEY', '"sk-secret"', 'without quotes'],
    ['OLLAMA_BASE_URL', 'http://user:secret@127.0.0.1:11434', 'without user and password'],
    ['OPENAI_BASE_URL', 'https://secret@a.example/v1', 'without user and password'],
    ['GEMINI_BASE_URL', 'https://a.example?key=secret', 'without ? and #'],
    ['OPENAI_BASE_URL', 'https://a.example/secret#v1', 'without ? and #'],
    ['OPENAI_BASE_URL', 'https://secret.example/v1/chat/completions', 'the base URL alone'],
    ['GEMINI_BASE_URL', 'https://secret.example/v1beta', 'the base URL alone'],
    ['OLLAMA_BASE_URL', 'https://secret.example/api/chat', 'the base URL alone'],
    ['OLLAMA_BASE_URL', 'secret:11434', 'an http:// or https:// URL'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'https://user:secret@a.example', 'without user and password'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'secret.example:4318', 'an http:// or https:// URL'],
    ['CORS_ORIGINS', 'http://a/secret', 'origins such as'],
    ['CORS_ORIGINS', 'secret.example', 'origins such as'],
    ['CORS_ORIGINS', 'http://a, *', 'origins such as'],
    ['CORS_ORIGINS', 'null', 'origins such as'],
    ['ALLOWED_HOSTS', 'https://secret.example', 'names without scheme and port'],
    ['ALLOWED_HOSTS', 'secret.example:8080', 'names without scheme and port'],
    ['ALLOWED_HOSTS', '*.secret.example', 'names without scheme and port'],
    ['ADDRESS_ALLOW_LIST', 'http://secret.example', 'host names, addresses and networks'],
    ['ADDRESS_ALLOW_LIST', '10.0.0.0/33', 'host names, addresses and networks'],
    ['ADDRESS_ALLOW_LIST', '10.1', 'host names, addresses and networks'],
    ['ADDRESS_ALLOW_LIST', '*', 'host names, addresses and networks'],
    ['API_HOST', 'http://secret.example', 'without scheme and port'],
    ['GATEWAY_HOST', '127.0.0.1:3002', 'without scheme and port'],
    ['WORKER_HOST', '127.0.0', 'without scheme and port'],
    ['API_PORT', '1e3', 'a whole number from 0 to 65535'],
    ['API_PORT', '0x10', 'a whole number from 0 to 65535'],
    ['API_PORT', '65536', 'a whole number from 0 to 65535'],
    ['API_PORT', '-1', 'a whole number from 0 to 65535'],
    ['API_PORT', '3001.0', 'a whole number from 0 to 65535'],
    ['WORKER_CONCURRENCY', '0', 'a whole number from 1'],
    ['WORKER_CONCURRENCY', '1_000', 'a whole number from 1'],
    ['SHUTDOWN_GRACE_MS', '30s', 'a whole number from 0'],
    ['COALESCE_MAX_MS', 'Infinity', 'a whole number from 0 to 1000'],
    ['ECHO_DELAY_MS', 'true', 'a whole number from 0'],
    ['DATABASE_POOL_SIZE', '１２', 'a whole number from 1'],
    ['LOG_LEVEL', 'verbose', 'expected trace, debug'],
    ['LOG_FORMAT', 'text', 'expected json, pretty'],
    ['NEXUS_AUTH', 'on', 'expected keys, off'],
    ['REDIS_CLUSTER', 'maybe', 'expected'],
    ['WORKER_PROVIDERS', 'claude', 'some of echo'],
    ['WORKER_PROVIDERS', ',', 'some of echo'],
    ['REDIS_URL', 'redis://:secret#word@host', 'percent-encoded'],
    ['REDIS_URL', 'https://secret.example', 'redis://'],
    ['DATABASE_URL', 'postgresql://user:secret#word@host/nexus', 'percent-encoded'],
    ['DATABASE_URL', 'mysql://user:secret@host/nexus', 'postgresql://'],
    ['DATABASE_PASSWORD', 'sec\nret', 'text in one line'],
    ['ADMIN_PASSWORD', 'secret', 'at least 12 characters'],
  ])('%s=%j', (name, value, expected) => {
    const refusal = refusalOf({ [name]: value });
    const lines = refusal.split('\n').slice(1);
    expect(lines).toEqual([expect.stringMatching(new RegExp(`^  ${name}: `))]);
    expect(lines[0]).toContain(expected);
    expect(refusal).not.toMatch(/secret|1e3|0x10|verbose|claude|maybe/);
  });

  it('also together with other invalid settings, and with settings that contradict each other', () => {
    const names = readRefused({
      API_PORT: 'x',

      LOG_LEVEL: 'loud',
      REDIS_URL: 'redis://a,redis://b',
    });
    expect(names).toEqual(['API_PORT', 'LOG_LEVEL', 'REDIS_URL']);
  });

  const readRefused = (setting: Setting) =>
    refusalOf(setting)
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(':')[0])
      .toSorted();
});

describe('a file that holds a setting', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nexus-settings-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const fileOf = (content: string | Buffer): string => {
    const file = join(folder, 'setting');
    writeFileSync(file, content);
    return file;
  };

  it.each([
    ['a key', 'sk-key'],
    ['a key and a line end of Windows', 'sk-key \r\n'],
    ['a key behind a byte-order mark', '\uFEFFsk-key\n'],
  ])('may have %s', (_what, content) => {
    expect(read({ OPENAI_API_KEY_FILE: fileOf(content) }).OPENAI_API_KEY).toBe('sk-key');
  });

  it('keeps the blanks of a password, as Postgres does', () => {
    const config = readApiConfig({ ...needed, DATABASE_PASSWORD_FILE: fileOf(' a b \n') });
    expect(decodeURIComponent(new URL(config.DATABASE_URL).password)).toBe(' a b ');
  });

  it.each([
    ['two lines', 'sk-secret\nsk-secret\n'],
    ['UTF-16', Buffer.from('\uFEFFsk-secret', 'utf16le')],
    ['bytes that are no text', Buffer.of(0x73, 0xff, 0xfe)],
  ])('is refused with %s', (_what, content) => {
    const refusal = refusalOf({ OPENAI_API_KEY_FILE: fileOf(content) });
    expect(refusal).toContain('OPENAI_API_KEY: expected');
    expect(refusal).not.toContain('secret');
  });
});
