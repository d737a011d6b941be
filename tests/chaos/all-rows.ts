import type { ChaosRow } from './chaos-row.ts';
import * as clients from './rows/clients.ts';
import * as doubledAndCancelled from './rows/doubled-and-cancelled.ts';
import * as endedKeys from './rows/ended-keys.ts';
import * as gatewayAndApiDeaths from './rows/gateway-and-api-deaths.ts';
import * as hostileClients from './rows/hostile-clients.ts';
import * as postgresFaults from './rows/postgres-faults.ts';
import * as providerFaults from './rows/provider-faults.ts';
import * as randomFaults from './rows/random-faults.ts';
import * as redisFaults from './rows/redis-faults.ts';
import * as workerDeaths from './rows/worker-deaths.ts';

const modules = [
  workerDeaths,
  gatewayAndApiDeaths,
  redisFaults,
  postgresFaults,
  providerFaults,
  clients,
  hostileClients,
  doubledAndCancelled,
  randomFaults,
  endedKeys,
];

const isRow = (value: unknown): value is ChaosRow => typeof value === 'object' && value !== null && 'run' in value;

/** Every row, in the order of the list of faults. */
export const allRows: ChaosRow[] = modules
  .flatMap((module) => Object.values(module).filter(isRow))
  .sort((a, b) => Number.parseInt(a.id, 10) - Number.parseInt(b.id, 10) || a.id.localeCompare(b.id));
