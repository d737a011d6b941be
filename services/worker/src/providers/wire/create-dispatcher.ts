import { Agent, type Dispatcher, EnvHttpProxyAgent, interceptors } from 'undici';

/** HTTP/1.1 only: with it, an aborted answer closes its socket. */
const options = { allowH2: false };

/** Connections to providers, kept open between calls. Uses HTTP_PROXY, HTTPS_PROXY and NO_PROXY if Node is set to. */
export function createDispatcher(): Dispatcher {
  const agent = process.env.NODE_USE_ENV_PROXY === '1' ? new EnvHttpProxyAgent(options) : new Agent(options);
  return agent.compose(interceptors.decompress({ skipErrorResponses: false }));
}
