import type { Measurement } from '../phases/measure-load.ts';
import { ownOf, totalOf } from '../stack/roles.ts';
import { median, percentile } from './percentile.ts';

/** The result of a load phase: the median over its rounds of each value, and the maximum of memory. */
export type Summary = {
  firstChunkP50: number;
  firstChunkP99: number;
  ageP50: number;
  ageP99: number;
  acceptedP50: number;
  acceptedP99: number;
  endP50: number;
  endP99: number;
  perSecond: number;
  cpuOwn: number;
  cpuTotal: number;
  cpuByRole: Record<string, number>;
  memoryOwn: number;
  memoryMbByRole: Record<string, number>;
};

export function summarize(rounds: Measurement[]): Summary {
  const over = (of: (round: Measurement) => number) => median(rounds.map(of));
  const mapRoles = (values: Record<string, number> = {}, of: (role: string) => number) =>
    Object.fromEntries(Object.keys(values).map((role) => [role, of(role)]));
  return {
    firstChunkP50: over(({ firstChunkMs }) => percentile(firstChunkMs, 0.5)),
    firstChunkP99: over(({ firstChunkMs }) => percentile(firstChunkMs, 0.99)),
    ageP50: over(({ ageMs }) => percentile(ageMs, 0.5)),
    ageP99: over(({ ageMs }) => percentile(ageMs, 0.99)),
    acceptedP50: over(({ acceptedMs }) => percentile(acceptedMs, 0.5)),
    acceptedP99: over(({ acceptedMs }) => percentile(acceptedMs, 0.99)),
    endP50: over(({ endMs }) => percentile(endMs, 0.5)),
    endP99: over(({ endMs }) => percentile(endMs, 0.99)),
    perSecond: over(({ answers, seconds }) => answers / seconds),
    cpuOwn: over(({ cpuMs, answers }) => ownOf(cpuMs) / answers),
    cpuTotal: over(({ cpuMs, answers }) => totalOf(cpuMs) / answers),
    cpuByRole: mapRoles(rounds[0]?.cpuMs, (role) => over(({ cpuMs, answers }) => (cpuMs[role] ?? 0) / answers)),
    memoryOwn: Math.max(...rounds.map(({ memoryBytes }) => ownOf(memoryBytes))),
    memoryMbByRole: mapRoles(rounds[0]?.memoryBytes, (role) =>
      Math.max(...rounds.map(({ memoryBytes }) => (memoryBytes[role] ?? 0) / 1e6)),
    ),
  };
}
