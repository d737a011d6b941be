import { Agent, EnvHttpProxyAgent, setGlobalDispatcher } from 'undici';

const limits = { headersTimeout: 0, bodyTimeout: 0 };

/**
 * Lets the process's `fetch` be silent for as long as its caller likes: of itself it gives up after 300 s without a head or without the
 * next byte, and an agent may have a longer patience than that. For the whole process, because Gemini's library takes no `fetch` of ours.
 * Where Node is told to heed HTTP_PROXY and the like (`NODE_USE_ENV_PROXY`), it goes on to.
 */
export function liftFetchLimits(): void {
  const heedsProxies = process.env.NODE_USE_ENV_PROXY === '1';
  setGlobalDispatcher(heedsProxies ? new EnvHttpProxyAgent(limits) : new Agent(limits));
}
