import type { Load } from '../load/load.ts';
import type { Bench } from '../stack/open-bench.ts';
import { measureLoad } from './measure-load.ts';

/** 512 answers, about as many as it takes until a further round costs no less CPU than the one before it. */
const load: Load = { model: 't5-n64-d2', clients: 16, asksPerClient: 32 };

/**
 * Services run for days, and are compiled to machine code in their first minute: that minute is not what is measured, of neither.
 */
export async function warmUp({ subjects }: Bench, say: (line: string) => void): Promise<void> {
  for (const subject of subjects) {
    say(`warming up: ${subject.name}`);
    await measureLoad(subject, load);
  }
}
