import { findListenProblem } from '../local-stack/free-port.ts';
import type { StartOptions } from './read-options.ts';
import { listPorts } from './service-places.ts';

/** Checks every port that a service will listen on, before any starts. Throws one line for each port that cannot be used. */
export async function assertPortsFree({ places, workers }: StartOptions): Promise<void> {
  const problems: string[] = [];
  for (const { variable, place } of listPorts(places, workers)) {
    const problem = await findListenProblem(place.port, place.host);
    if (problem === 'EADDRINUSE')
      problems.push(
        `Port ${place.port} is in use. Stop the program that listens there, or set ${variable} to another port.`,
      );
    if (problem === 'EACCES')
      problems.push(`This user may not use port ${place.port}. Set ${variable} to a port above 1023.`);
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
}
