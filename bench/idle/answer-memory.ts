import { serveCalls } from '../processes/serve-calls.ts';
import { reportMemory } from './report-memory.ts';

// Loaded into a service of ours beside its own code: it tells nobody but its parent, and only when it is asked.
serveCalls(null, { memory: reportMemory });
