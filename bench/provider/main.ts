import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { endFrames, finishFrame, toTextFrame } from '../../tests/support/openai-frames.ts';
import { parsePace } from '../../tests/support/paced-model.ts';
import { serveCalls } from '../processes/serve-calls.ts';
import { stampNow } from './stamp.ts';

/** OpenAI's chat completions at the pace that the model's name sets. The text of a chunk is the time at which it was sent. */
const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  answer(request, response).catch(() => response.destroy());
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of request) body += chunk;
  const { firstMs, chunks, gapMs } = parsePace((JSON.parse(body) as { model: string }).model);
  const startAt = performance.now() + firstMs;
  let sent = 0;

  /** Each chunk is due at a time counted from the request, so that a late chunk delays none after it. */
  function sendDue(): void {
    if (response.destroyed) return;
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
    while (sent < chunks && startAt + sent * gapMs <= performance.now()) {
      response.write(toTextFrame(stampNow()));
      sent += 1;
    }
    if (sent < chunks) wait();
    else response.end(finishFrame + endFrames);
  }
  /** Rounded up, because Node may fire a timer a fraction of a millisecond early. */
  function wait(): void {
    setTimeout(sendDue, Math.ceil(startAt + sent * gapMs - performance.now()));
  }
  if (firstMs > 0) wait();
  else sendDue();
}

server.listen(0, '127.0.0.1', () => {
  serveCalls({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` });
});
