import { Agent, type Dispatcher, EnvHttpProxyAgent, interceptors } from 'undici';

/** HTTP/1.1 alone: there, giving an answer up closes its socket. */
const options = { allowH2: false };

/** Connections to providers, kept open between calls. Heeds HTTP_PROXY, HTTPS_PROXY and NO_PROXY where Node is told to. */
export function createDispatcher(): Dispatcher {
  const agent = process.env.NODE_USE_ENV_PROXY === '1' ? new EnvHttpProxyAgent(options) : new Agent(options);
  return agent.compose(interceptors.decompress({ skipErrorResponses: false }));
}
