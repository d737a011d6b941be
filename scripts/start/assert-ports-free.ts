import { isPortTaken } from '../local-stack/free-port.ts';
import type { StartOptions } from './read-options.ts';

/** Before anything is started: every port that a service is going to listen on. */
export async function assertPortsFree({ ports, workers }: StartOptions): Promise<void> {
  const wanted: [name: string, port: number][] = [
    ['API_PORT', ports.api],
    ['GATEWAY_PORT', ports.gateway],
    ...Array.from({ length: workers }, (_, index): [string, number] => ['WORKER_PORT', ports.worker + index]),
  ];
  for (const [index, [name, port]] of wanted.entries()) {
    const [other] = wanted.find(([, each], before) => before < index && each === port) ?? [];
    if (other !== undefined) throw new Error(`${other} and ${name} are both ${port}: set one of them to another port.`);
    if (await isPortTaken(port, '127.0.0.1'))
      throw new Error(`Port ${port} is taken. Stop what listens there, or set ${name} to another port.`);
  }
}
