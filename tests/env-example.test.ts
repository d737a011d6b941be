import { readFileSync } from 'node:fs';
import { parseConfig } from '@nexus/common/config/parse-config';
import { toRedisNodes } from '@nexus/common/config/redis-urls';
import { describe, expect, it } from 'vitest';
import { findObjections } from '../deploy/preflight.ts';
import { apiConfigSchema, readApiConfig } from '../services/api/src/api-config.ts';
import { gatewayConfigSchema } from '../services/gateway/src/gateway-config.ts';
import { workerConfigSchema } from '../services/worker/src/worker-config.ts';

const text = readFileSync(new URL('../.env.example', import.meta.url), 'utf8');
const example = Object.fromEntries(
  [...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
);
const schemas = { api: apiConfigSchema, worker: workerConfigSchema, gateway: gatewayConfigSchema };
/** Variables that only `npm start` reads. */
const ofStart = ['NEXUS_STATE_FOLDER'];
const compose = ['docker-compose.yml', 'deploy/observability/compose.yaml']
  .map((file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'))
  .join('\n');
const ofCompose = [...new Set([...compose.matchAll(/(?<!\$)\$\{(\w+)/g)].map(([, name = '']) => name))];
/** Variables that compose sets by itself: the addresses inside its network. */
const insideCompose = ['DATABASE_URL', 'REDIS_URL', 'REDIS_CLUSTER', 'DATABASE_PASSWORD', 'REDIS_PASSWORD'];
const addresses = /^(API|GATEWAY|WORKER)_(HOST|PORT)$/;
const needed = { DATABASE_URL: 'postgresql://user:secret-word@127.0.0.1/nexus', REDIS_URL: 'redis://127.0.0.1' };

describe('.env.example', () => {
  it('names every variable of every service, and no other', () => {
    const ofServices = Object.values(schemas).flatMap((schema) => Object.keys(schema.shape));
    const known = new Set([...ofServices, ...ofStart, ...ofCompose]);
    expect(Object.keys(example).toSorted()).toEqual([...known].toSorted());
  });

  it('has no variable of a service that compose does not pass on', () => {
    const ofServices = Object.values(schemas).flatMap((schema) => Object.keys(schema.shape));
    const lost = ofServices.filter((name) => !ofCompose.includes(name) && !addresses.test(name));
    expect([...new Set(lost)].toSorted()).toEqual([...insideCompose, 'LOG_FORMAT'].toSorted());
  });

  it('has the defaults of compose', () => {
    for (const [, name = '', value = ''] of compose.matchAll(/(?<!\$)\$\{(\w+):-([^}]*)\}/g)) {
      const byPlace = ['OLLAMA_BASE_URL', 'TRUSTED_PROXIES'].includes(name); // containers have networks of their own
      if (value !== '' && !byPlace) expect(`${name}=${value}`).toBe(`${name}=${example[name]}`);
    }
  });

  it('has the example passwords that preflight refuses', () => {
    const { NEXUS_POSTGRES_PASSWORD, NEXUS_REDIS_PASSWORD } = example;
    const open = { NEXUS_BIND: '0.0.0.0', NEXUS_POSTGRES_PASSWORD, NEXUS_REDIS_PASSWORD };
    expect(findObjections(open)).toHaveLength(2);
    expect(findObjections({ ...open, NEXUS_BIND: '127.0.0.1' })).toEqual([]);
    const own = { ...open, NEXUS_POSTGRES_PASSWORD: 'one', NEXUS_REDIS_PASSWORD: 'two' };
    expect(findObjections(own)).toEqual([]);
  });

  it.each(Object.entries(schemas))('has values that the %s accepts, which are its defaults', (_name, schema) => {
    const given = parseConfig(schema, { ...example, ...needed });
    expect(given).toEqual(parseConfig(schema, needed));
  });
});

describe('configuration', () => {
  it('accepts a password apart from its URL, with any characters', () => {
    const config = readApiConfig({ ...needed, DATABASE_PASSWORD: 'p@ss/w:rd?', REDIS_PASSWORD: '#1' });
    expect(decodeURIComponent(new URL(config.DATABASE_URL).password)).toBe('p@ss/w:rd?');
    expect(config.REDIS_URL).toBe('redis://:%231@127.0.0.1');
  });

  it('accepts several nodes of a cluster, each with the password', () => {
    const REDIS_URL = 'rediss://one:7000, rediss://two:7000';
    const config = readApiConfig({ ...needed, REDIS_URL, REDIS_CLUSTER: 'on', REDIS_PASSWORD: 'a,b' });
    expect(config.REDIS_URL).toBe('rediss://:a%2Cb@one:7000,rediss://:a%2Cb@two:7000');
    expect(toRedisNodes(config.REDIS_URL)).toEqual({
      nodes: [
        { host: 'one', port: 7000 },
        { host: 'two', port: 7000 },
      ],
      access: { password: 'a,b', tls: {} },
    });
    const read = (url: string, on: string) => readApiConfig({ ...needed, REDIS_URL: url, REDIS_CLUSTER: on });
    expect(() => read(REDIS_URL, 'off')).toThrow('set REDIS_CLUSTER=on');
    expect(() => read('redis://one/1', 'on')).toThrow('no database but 0');
    expect(() => read('redis://one,rediss://two', 'on')).toThrow('share one protocol');
    expect(read('redis://:raw,comma@one/1', 'off').REDIS_URL).toBe('redis://:raw,comma@one/1');
  });

  it('names all bad variables in one message, and never a value', () => {
    const bad = {
      ...needed,
      DATABASE_URL: 'mysql://user:secret-word@host',
      API_PORT: 'ninety',
      LOG_LEVEL: 'loud',
      REDIS_URL: '',
    };
    let message = '';
    try {
      readApiConfig(bad);
    } catch (error) {
      message = String(error);
    }
    for (const name of ['DATABASE_URL', 'API_PORT', 'LOG_LEVEL', 'REDIS_URL']) expect(message).toContain(name);
    for (const value of ['secret-word', 'ninety', 'loud']) expect(message).not.toContain(value);
    expect(message).toContain('REDIS_URL: is missing');
  });

  it('parses the headers for traces, and shows no header that it cannot parse', () => {
    const read = (headers: string) => readApiConfig({ ...needed, OTEL_EXPORTER_OTLP_HEADERS: headers });
    expect(read('authorization=Basic%20YQ==,x-team = a').OTEL_EXPORTER_OTLP_HEADERS).toEqual({
      authorization: 'Basic YQ==',
      'x-team': 'a',
    });
    for (const bad of ['secret-word', 'x=%zz secret-word', 'a b=secret-word', 'x=secret-word%0d%0ay: z']) {
      expect(() => read(bad)).toThrow('OTEL_EXPORTER_OTLP_HEADERS: expected name=value pairs');
      expect(() => read(bad)).not.toThrow('secret-word');
    }
  });

  it('requires keys by default, on any host', () => {
    expect(readApiConfig({ ...needed, API_HOST: '0.0.0.0' }).NEXUS_AUTH).toBe('keys');
    expect(readApiConfig({ ...needed, NEXUS_AUTH: 'off' }).NEXUS_AUTH).toBe('off');
    expect(() => readApiConfig({ ...needed, NEXUS_AUTH: 'no' })).toThrow(/NEXUS_AUTH/);
  });

  it('accepts secrets that are long enough, and networks of proxies', () => {
    const secrets = [`${'a'.repeat(32)}`, `${'b'.repeat(40)}`];
    expect(readApiConfig({ ...needed, NEXUS_SECRETS: secrets.join(', ') }).NEXUS_SECRETS).toEqual(secrets);
    expect(() => readApiConfig({ ...needed, NEXUS_SECRETS: 'too short' })).toThrow(/NEXUS_SECRETS.*32/);
    expect(readApiConfig({ ...needed, TRUSTED_PROXIES: '10.0.0.0/8, ::1' }).TRUSTED_PROXIES).toEqual([
      '10.0.0.0/8',
      '::1',
    ]);
    for (const bad of ['10.0.0.0/33', 'nginx', '1.2.3'])
      expect(() => readApiConfig({ ...needed, TRUSTED_PROXIES: bad })).toThrow(/TRUSTED_PROXIES/);
  });
});
