import { findListenProblem } from '../local-stack/free-port.ts';
import type { StartOptions } from './read-options.ts';
import { listPorts } from './service-places.ts';

/** Before anything is started: every port that a service is going to listen on. Throws a line for each that it cannot. */
export async function assertPortsFree({ places, workers }: StartOptions): Promise<void> {
  const problems: string[] = [];
  for (const { variable, place } of listPorts(places, workers)) {
    const problem = await findListenProblem(place.port, place.host);
    if (problem === 'EADDRINUSE')
      problems.push(`Port ${place.port} is taken. Stop what listens there, or set ${variable} to another port.`);
    if (problem === 'EACCES')
      problems.push(`Port ${place.port} is not for ordinary users. Set ${variable} to one above 1023.`);
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
}
