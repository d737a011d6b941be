import { isIPv6 } from 'node:net';
import { apiConfigSchema } from '../../services/api/src/api-config.ts';
import { gatewayConfigSchema } from '../../services/gateway/src/gateway-config.ts';
import { workerConfigSchema } from '../../services/worker/src/worker-config.ts';

export type ServiceName = 'api' | 'gateway' | 'worker';

/** Where a service listens. The second worker uses the next port, and so on. */
export type ServicePlace = { host: string; port: number };
export type ServicePlaces = Record<ServiceName, ServicePlace>;

const fields = {
  api: [apiConfigSchema.shape.API_HOST, apiConfigSchema.shape.API_PORT],
  gateway: [gatewayConfigSchema.shape.GATEWAY_HOST, gatewayConfigSchema.shape.GATEWAY_PORT],
  worker: [workerConfigSchema.shape.WORKER_HOST, workerConfigSchema.shape.WORKER_PORT],
} as const;

/** The place of each service whose settings are valid. */
export function readPlaces(given: (name: string) => string | undefined): Partial<ServicePlaces> {
  const places: Partial<ServicePlaces> = {};
  for (const name of ['api', 'gateway', 'worker'] as const) {
    const [host, port] = fields[name];
    const parsedHost = host.safeParse(given(`${name.toUpperCase()}_HOST`));
    const parsedPort = port.safeParse(given(`${name.toUpperCase()}_PORT`));
    if (parsedHost.success && parsedPort.success) places[name] = { host: parsedHost.data, port: parsedPort.data };
  }
  return places;
}

/** Every port that a service will listen on, with its variable. */
export function listPorts(
  places: Partial<ServicePlaces>,
  workers: number,
): { variable: string; place: ServicePlace }[] {
  return Object.entries(places).flatMap(([name, { host, port }]) =>
    Array.from({ length: name === 'worker' ? workers : 1 }, (_, index) => ({
      variable: `${name.toUpperCase()}_PORT`,
      place: { host, port: port + index },
    })),
  );
}

/** One line for each port that cannot work. A service alone may use any free port (0). Here the other parts must know the port. */
export function findPortProblems(places: Partial<ServicePlaces>, workers: number): string[] {
  const ports = listPorts(places, workers);
  const problems = ports.flatMap(({ variable, place: { port } }, index) => {
    const other = ports.find((each, before) => before < index && each.place.port === port);
    if (port === 0) return [`${variable}: expected a port number`];
    if (port > 65_535)
      return [`${variable}: expected a lower port: ${workers} workers need ${workers} ports up to 65535`];
    return other ? [`${other.variable} and ${variable} are both ${port}: set one of them to another port.`] : [];
  });
  return [...new Set(problems)];
}

/** The URL of the service from this machine. */
export function toUrl({ host, port }: ServicePlace): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${isIPv6(name) ? `[${name}]` : name}:${port}`;
}

/** The URL for people: localhost, if the service listens there. */
export function toShownUrl({ host, port }: ServicePlace): string {
  const isLocal = ['0.0.0.0', '::', '127.0.0.1', '::1'].includes(host);
  return isLocal ? `http://localhost:${port}` : toUrl({ host, port });
}
