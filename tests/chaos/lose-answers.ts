import type { FaultyProxy } from '../support/open-proxy.ts';
import { sleep } from './chaos-row.ts';

/**
 * Posts twenty messages in each round. In the middle of a round the proxy passes requests on but drops their answers, and then cuts the
 * connections. Resolves when all messages are posted.
 */
export async function loseAnswers(
  proxy: Pick<FaultyProxy, 'set' | 'cut'>,
  rounds: number,
  post: (message: string) => Promise<unknown>,
): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const posted = Promise.all(Array.from({ length: 20 }, (_, index) => post(`unheard ${round}.${index}`)));
    posted.catch(() => {}); // awaited below, after the cut
    await sleep((round % 6) * 20);
    proxy.set({ mute: true });
    await sleep(50);
    proxy.set({});
    proxy.cut();
    await posted;
    await sleep(300);
  }
}
