import { execFileSync } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import { root } from '../../scripts/start/read-options.ts';
import type { Bench } from '../stack/open-bench.ts';

/** What a reader must know to interpret absolute numbers. Nothing here names the machine. */
export type Circumstances = {
  date: string;
  commit: string;
  cpus: number;
  memoryGb: number;
  node: string;
  postgres: string;
  redis: string;
};

export function describeCircumstances({ nexus: { postgres, redis } }: Bench): Circumstances {
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    commit: readCommit(),
    cpus: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.versions.node,
    postgres: postgres.version,
    redis: redis.version,
  };
}

/** A plus marks sources that differ from the commit. */
function readCommit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    const dirty = git('status', '--porcelain', '--', '.', ':!bench/results') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${dirty ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}
