import type { FaultyProxy } from '../support/open-proxy.ts';
import { sleep } from './chaos-row.ts';

/**
 * In each round twenty are posted, and in the midst of it what is asked through the proxy is done while its answers, and then the connections,
 * are lost. Resolves once all are posted.
 */
export async function loseAnswers(
  proxy: Pick<FaultyProxy, 'set' | 'cut'>,
  rounds: number,
  post: (message: string) => Promise<unknown>,
): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const posted = Promise.all(Array.from({ length: 20 }, (_, index) => post(`unheard ${round}.${index}`)));
    posted.catch(() => {}); // heard below, after the moment is over
    await sleep((round % 6) * 20);
    proxy.set({ mute: true });
    await sleep(50);
    proxy.set({});
    proxy.cut();
    await posted;
    await sleep(300);
  }
}
