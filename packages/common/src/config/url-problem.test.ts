import { describe, expect, it } from 'vitest';
import { databaseUrlProblem, redisUrlProblem, webUrlProblem } from './url-problem.ts';

const escaping = 'percent-encoded';

describe('a URL of the settings', () => {
  it.each([
    ['http://127.0.0.1:11434', null],
    ['HTTPS://Example.com/v1/', null],
    ['https://user:secret-word@example.com', 'without user and password'],
    ['https://secret-word@example.com', 'without user and password'],
    ['https://example.com/v1?api-version=1', 'without ? and #'],
    ['https://example.com/v1#top', 'without ? and #'],
    ['https://example.com/v1?', 'without ? and #'],
    ['localhost:11434', 'expected an http'],
    ['127.0.0.1:11434', 'expected an http'],
    ['http:example.com', 'expected an http'],
    ['ws://example.com', 'expected an http'],
    ['http://', 'expected an http'],
    ['http://a b', 'expected an http'],
    ['http://127.0.0.1:0', 'expected a port'],
    ['http://127.0.0.1:99999', 'expected an http'],
  ])('that is called over HTTP: %s', (url, problem) => {
    expectProblem(webUrlProblem(url), problem);
  });

  it.each([
    ['postgresql://user:p%40ss@host:5432/nexus?sslmode=require', null],
    ['postgres:///nexus?host=/run/postgresql', null],
    ['postgresql://user:p@ss@host/nexus', null],
    ['postgresql://user@host/nexus?schema=public', null],
    ['postgresql://user@host/nexus?schema=other', 'no schema but public'],
    [
      'postgresql://user@host/nexus?sslmode=verify-full&sslrootcert=/nowhere/secret.crt',
      'expected sslrootcert to name a file that can be read',
    ],
    ['mysql://user:secret-word@host/nexus', 'expected a postgresql:// URL'],
    ['host=localhost password=secret-word', 'expected a postgresql:// URL'],
    ['postgresql://user:secret#word@host/nexus', escaping],
    ['postgresql://user:secret/word@host/nexus', escaping],
    ['postgresql://user:12/secret-word@host/nexus', escaping],
    ['postgresql://user:12?secret-word@host/nexus', escaping],
    ['postgresql://user:12#secret-word@host/nexus', escaping],
    ['postgresql://user:100%@host/nexus', escaping],
  ])('of Postgres: %s', (url, problem) => {
    expectProblem(databaseUrlProblem(url), problem);
  });

  it.each([
    ['redis://127.0.0.1', null],
    ['rediss://user:p%23ss@host:6380/2', null],
    ['redis://[::1]:6379/', null],
    ['redis://:raw,comma@one/1?family=6', null],
    ['http://127.0.0.1:6379', 'expected a redis://'],
    ['127.0.0.1:6379', 'expected a redis://'],
    ['redis:6379', 'expected a redis://'],
    ['redis://', 'a host'],
    ['redis://host/zero', 'a number'],
    ['redis://:secret#word@host', escaping],
    ['redis://:secret/word@host', escaping],
    ['redis://user:12/secret-word@host', escaping],
    ['redis://:100%@host', escaping],
  ])('of Redis: %s', (url, problem) => {
    expectProblem(redisUrlProblem(url), problem);
  });
});

function expectProblem(found: string | null, expected: string | null): void {
  if (expected === null) expect(found).toBeNull();
  else expect(found).toContain(expected);
  expect(found ?? '').not.toContain('secret');
}
