import type { ServiceSpec } from './open-service.ts';
import type { StartOptions } from './read-options.ts';

/** How long a service may take to close everything after the grace for its answers, in milliseconds. */
const stopAfterGraceMs = 15_000;

/** All services of the system, each with its place. */
export function listServices({ places, workers, shutdownGraceMs }: StartOptions): Omit<ServiceSpec, 'env' | 'print'>[] {
  const stopLimitMs = shutdownGraceMs + stopAfterGraceMs;
  return [
    ...Array.from({ length: workers }, (_, index) => ({
      name: workers > 1 ? `worker ${index + 1}` : 'worker',
      service: 'worker' as const,
      place: { ...places.worker, port: places.worker.port + index },
      stopLimitMs,
    })),
    { name: 'api', service: 'api', place: places.api, stopLimitMs },
    { name: 'gateway', service: 'gateway', place: places.gateway, stopLimitMs },
  ];
}
