import { countsPhase } from './counts-phase.ts';
import { fanOutPhase } from './fan-out-phase.ts';
import { idlePhase } from './idle-phase.ts';
import { loadPhases } from './load-phases.ts';
import type { Phase } from './phase.ts';
import { postPhase } from './post-phase.ts';
import { rawPhase } from './raw-phase.ts';
import { recoveryPhase } from './recovery-phase.ts';
import { replayPhase } from './replay-phase.ts';
import { streamPhase } from './stream-phase.ts';
import { workersPhase } from './workers-phase.ts';

/** In the order in which they run: those that add or kill workers come last. */
export const allPhases: Phase[] = [
  ...loadPhases,
  postPhase,
  streamPhase,
  countsPhase,
  fanOutPhase,
  idlePhase,
  replayPhase,
  rawPhase,
  workersPhase,
  recoveryPhase,
];
