import { chatPhase } from './chat-phase.ts';
import { countsPhase } from './counts-phase.ts';
import { loadPhases } from './load-phases.ts';
import type { Phase } from './phase.ts';
import { postPhase } from './post-phase.ts';
import { recoveryPhase } from './recovery-phase.ts';
import { streamPhase } from './stream-phase.ts';

/** In the order of the run. Recovery kills workers, so it comes last. */
export const allPhases: Phase[] = [...loadPhases, postPhase, streamPhase, chatPhase, countsPhase, recoveryPhase];
