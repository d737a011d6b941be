import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Written } from './support/canary/findings.ts';
import type { MarkKind } from './support/canary/marks.ts';
import { type Canary, openCanary, type Tracing } from './support/canary/open-canary.ts';
import { playScenes, startWithWrongPasswords } from './support/canary/scenes.ts';

/** Where a secret may be read: in the one answer that hands it out. */
const placesOfSecrets = [
  /^http POST \/api\/keys(\/\/rotate)? 20[01]$/, // the token of a key, shown this once
  /^http POST \/api\/tokens 201$/,
  /^http POST \/api\/session 204$/, // the cookie
];

/** Where prompts and answers may be read: what is stored of them, and what shows it to their workspace. */
const placesOfContent = [
  /^postgres agent\.system_prompt$/,
  /^postgres conversation\.title$/,
  /^postgres message\.content$/,
  /^postgres invocation\.metadata$/,
  /^postgres invocation\.settings$/, // the system prompt as the invocation uses it
  /^postgres invocation\.error_message$/, // a provider's own words, which may quote what it was asked
  /^(redis|command) nexus:\{\}:log:$/, // the event log, which expires, and what appends to it
  /^command nexus:\{\}:events$/, // the live events of a conversation
  /^http POST \/api\/invocations 422$/, // a refusal names the fields that it does not know, to the one who sent them
  /^http (POST|GET|PATCH) \/api\/agents(\/)? 20[01]$/,
  /^http (POST|GET|PATCH) \/api\/conversations(\/)?(\/messages)? 20[01]$/,
  /^http GET \/api\/invocations(\/)?(\/events)? 200$/,
  /^http POST \/api\/invocations(\/\/cancel)? 20[02]$/,
  /^socket invocation:event$/,
];

describe.each<Tracing>(['off', 'without content', 'with content'])('with traces %s', (tracing) => {
  let canary: Canary;
  let written: Written[];
  beforeAll(async () => {
    canary = await openCanary(tracing);
    await playScenes(canary);
    if (tracing === 'off') await startWithWrongPasswords(canary); // which say nothing else in other circumstances
    written = await canary.collect();
  }, 120_000);
  afterAll(() => canary?.close(), 60_000);

  function leaks(kind: MarkKind, allowed: RegExp[]): string[] {
    const found = written
      .filter(({ place }) => !allowed.some((pattern) => pattern.test(place)))
      .flatMap(({ place, text }) => canary.marks.foundIn(text, kind).map((name) => `${name} in ${place}`));
    return [...new Set(found)].toSorted();
  }

  const ofContent = tracing === 'with content' ? [...placesOfContent, /^traces$/] : placesOfContent;

  it('a secret is nowhere but in the answer that hands it out', () => {
    expect(leaks('secret', placesOfSecrets)).toEqual([]);
  });

  it('what was asked is only where it is stored, streamed and shown', () => {
    expect(leaks('prompt', ofContent)).toEqual([]);
  });

  it('what was answered is only where it is stored, streamed and shown', () => {
    expect(leaks('answer', ofContent)).toEqual([]);
  });

  it('every place that was looked at was written to, and none was cut', () => {
    const places = new Set(written.map(({ place }) => place));
    for (const place of ['log api', 'log gateway', 'log worker', 'health api /metrics', 'postgres api_key.hash'])
      expect(places).toContain(place);
    expect(places.has('traces')).toBe(tracing !== 'off');
    for (const { place, text } of written) if (place.startsWith('log ')) expect(text.length).toBeLessThan(400_000);
    const seen = (kind: MarkKind, place: string) =>
      written.some((each) => each.place === place && canary.marks.foundIn(each.text, kind).length > 0);
    // A mark that is not even where it belongs would be found nowhere else either.
    for (const place of [
      'postgres message.content',
      'redis nexus:{}:log:',
      'command nexus:{}:log:',
      'socket invocation:event',
    ])
      expect([place, seen('answer', place)]).toEqual([place, true]);
    for (const place of ['postgres agent.system_prompt', 'postgres invocation.metadata', 'postgres conversation.title'])
      expect([place, seen('prompt', place)]).toEqual([place, true]);
    expect(seen('secret', 'http POST /api/keys 201')).toBe(true);
    expect(seen('answer', 'traces') && seen('prompt', 'traces')).toBe(tracing === 'with content');
  });
});
