import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Redis } from '../redis/redis-connection.ts';
import { createEventSubscriptions } from './event-subscriptions.ts';

/** A connection that answers a ping when the test wants it. */
function createSubscriber() {
  const pings: { resolve(): void; reject(error: Error): void }[] = [];
  const ping = () => new Promise<void>((resolve, reject) => void pings.push({ resolve, reject }));
  const subscriber = Object.assign(new EventEmitter(), { status: 'ready', ping });
  let told = 0;
  createEventSubscriptions(subscriber as unknown as Redis).onReconnect(() => {
    told += 1;
  });
  return { pings, connect: () => subscriber.emit('ready'), told: () => told };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('event subscriptions', () => {
  it('say that they are back once Redis has taken what was sent before', async () => {
    const { pings, connect, told } = createSubscriber();
    connect();
    await turn();
    expect(told()).toBe(0);
    pings[0]?.resolve();
    await turn();
    expect(told()).toBe(1);
  });

  it('say it once, however many connections were lost before the answer', async () => {
    const { pings, connect, told } = createSubscriber();
    for (let count = 0; count < 5; count += 1) connect();
    expect(pings).toHaveLength(1); // the client sends it again with each connection
    pings[0]?.resolve();
    await turn();
    expect(told()).toBe(1);
    connect();
    pings[1]?.resolve();
    await turn();
    expect(told()).toBe(2);
  });

  it('say nothing of a connection that is closed before the answer', async () => {
    const { pings, connect, told } = createSubscriber();
    connect();
    pings[0]?.reject(new Error('Connection is closed.'));
    await turn();
    expect(told()).toBe(0);
  });
});
