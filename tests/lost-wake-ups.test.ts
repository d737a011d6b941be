import { type InvocationEvent, isLastEvent } from '@nexus/protocol/event';
import { createParser } from 'eventsource-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProviderStack, type ProviderStack } from './support/open-provider-stack.ts';

const atOnce = 16;
const count = 300;
/** The timeout of one test: on a busy machine 300 answers take a while. */
const limitMs = 120_000;

/** The answer runs and ends while its reader is between the read of the log and the live events. */
describe('a reader that comes right after the POST of a fast answer', () => {
  let stack: ProviderStack['stack'];
  let agentId: string;
  let close: ProviderStack['close'];
  beforeAll(async () => {
    ({ stack, agentId, close } = await openProviderStack('t0-n8-d0'));
  });
  afterAll(() => close());

  async function forMany<T>(each: () => Promise<T>): Promise<T[]> {
    const results: T[] = [];
    let begun = 0;
    const inTurn = async () => {
      while (begun < count) {
        begun += 1;
        results.push(await each());
      }
    };
    await Promise.all(Array.from({ length: atOnce }, inTurn));
    return results;
  }

  /** Of the API, by cause. */
  async function lateEvents(): Promise<number[]> {
    const metrics = await (await fetch(`${stack.apiUrl}/metrics`)).text();
    return [...metrics.matchAll(/^nexus_events_late_total{.*} (\d+)$/gm)].map(([, value]) => Number(value));
  }

  it(
    'gets the end by a long poll at once, not after a silence',
    async () => {
      const lateMs = await forMany(async () => {
        const { body } = await stack.api.invoke({ agentId, message: 'poll' });
        const polled = await stack.api.get<{ status: string; finishedAt: string }>(
          `/api/invocations/${body.id}?wait=20`,
        );
        expect(polled.body.status).toBe('completed');
        return Date.now() - Date.parse(polled.body.finishedAt);
      });
      // A poll that missed the event asks Postgres after three seconds.
      expect([lateMs.filter((ms) => ms > 2_000), await lateEvents()]).toEqual([[], [0, 0]]);
    },
    limitMs,
  );

  it(
    'gets the whole answer from the stream of the POST without a wait for events that are in the log already',
    async () => {
      const texts = await forMany(async () => {
        let [text, ended] = ['', false];
        const parser = createParser({
          onEvent({ data }) {
            const event = JSON.parse(data) as InvocationEvent;
            if (event.type === 'message.delta') text += event.data.text;
            if (event.type === 'invocation.snapshot') text = event.data.text; // the end may be in Postgres before its event is published
            ended ||= isLastEvent(event);
          },
        });
        const response = await fetch(`${stack.apiUrl}/api/invoke`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
          body: JSON.stringify({ agentId, message: 'stream' }),
        });
        for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) parser.feed(chunk);
        return ended ? text : 'without an end';
      });
      const whole = Array.from({ length: 8 }, (_, index) => `word${index} `).join('');
      expect([texts.filter((text) => text !== whole), await lateEvents()]).toEqual([[], [0, 0]]);
    },
    limitMs,
  );
});
