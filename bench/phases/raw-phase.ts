import type { Part } from '../baselines/raw/parts.ts';
import { median } from '../figures/percentile.ts';
import { toText } from '../figures/versus.ts';
import { openProcess } from '../processes/open-process.ts';
import { type Phase, scaled } from './phase.ts';

const operations = 500;

/** What the parts cost by themselves, one operation after another: no sum of ours can be less. */
export const rawPhase: Phase = {
  name: 'raw',
  title: 'raw parts, µs per operation',
  async run({ bench: { nexus, plain }, rounds, scale, say, release }) {
    const process = await openProcess<string[]>('raw parts', 'bench/baselines/raw/parts.ts', {
      env: { REDIS_URL: plain.redis.url, DATABASE_URL: nexus.postgres.url },
    });
    release(process.stop);
    const measured = new Map<string, Part[]>(process.ready.map((name) => [name, []]));
    const count = scaled(operations, scale);
    for (let round = 0; round <= rounds; round += 1) {
      say(round === 0 ? 'warming up' : `round ${round} of ${rounds}`);
      for (const [name, seen] of measured) {
        const part = await process.call<Part>('measure', { name, count });
        if (round > 0) seen.push(part);
      }
    }
    const rows = [...measured].map(([name, seen]) => ({
      name,
      wallUs: median(seen.map(({ wallUs }) => wallUs)),
      cpuUs: median(seen.map(({ cpuUs }) => cpuUs)),
    }));
    return {
      lines: rows.map(
        ({ name, wallUs, cpuUs }) => `${name.padEnd(44)} ${toText(wallUs).padStart(6)} (CPU here ${toText(cpuUs)})`,
      ),
      figures: [],
      panels: [
        {
          title: 'raw parts, one operation after another',
          unit: 'µs each',
          groups: rows.map(({ name, wallUs }) => ({
            label: name.split(/[:,]/)[0] ?? name,
            bars: [{ series: 'raw', value: wallUs }],
          })),
        },
      ],
      data: rows,
    };
  },
};
