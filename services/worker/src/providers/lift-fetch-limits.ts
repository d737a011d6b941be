import { Agent, setGlobalDispatcher } from 'undici';

/**
 * Lets the process's `fetch` be silent for as long as its caller likes: of itself it gives up after 300 s without a head or without the
 * next byte, and an agent may have a longer patience than that. For the whole process, because Gemini's library takes no `fetch` of ours.
 */
export function liftFetchLimits(): void {
  setGlobalDispatcher(new Agent({ headersTimeout: 0, bodyTimeout: 0 }));
}
