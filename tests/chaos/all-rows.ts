import type { ChaosRow } from './chaos-row.ts';
import * as workerDeaths from './rows/worker-deaths.ts';

const modules = [workerDeaths];

const isRow = (value: unknown): value is ChaosRow => typeof value === 'object' && value !== null && 'run' in value;

/** Every row, in the order of the list of faults. */
export const allRows: ChaosRow[] = modules
  .flatMap((module) => Object.values(module).filter(isRow))
  .sort((a, b) => Number.parseInt(a.id, 10) - Number.parseInt(b.id, 10) || a.id.localeCompare(b.id));
