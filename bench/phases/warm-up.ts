import type { Load } from '../load/load.ts';
import type { Bench } from '../stack/open-bench.ts';
import { measureLoad } from './measure-load.ts';

/** After about 512 answers, a further round costs no less CPU than the one before it. */
const load: Load = { model: 't5-n64-d2', clients: 16, asksPerClient: 32 };

/** Services run for days. Node compiles their code in the first minute, which we do not measure. */
export async function warmUp({ subjects }: Bench, say: (line: string) => void): Promise<void> {
  for (const subject of subjects) {
    say(`warming up: ${subject.name}`);
    await measureLoad(subject, load);
  }
}
