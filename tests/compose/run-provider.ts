import { createServer } from 'node:http';
import { openProviderServer } from '../support/open-provider-server.ts';

/** The provider server as a container: the provider on 4000; on 4001 how often it was called, by the last message of the call. */
const provider = await openProviderServer({ host: '0.0.0.0', port: 4000 });
const counts = createServer((_request, response) => {
  const calls: Record<string, number> = {};
  for (const { request } of provider.calls) {
    const message = request.messages.at(-1)?.content ?? '';
    calls[message] = (calls[message] ?? 0) + 1;
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(calls));
});
counts.listen(4001, '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
