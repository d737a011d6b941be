import { Agent, request } from 'node:http';
import { createParser } from 'eventsource-parser';
import type { PendingAnswer } from './answer.ts';

/** Idle connections are given up before the server's five seconds are over. */
const agent = new Agent({ keepAlive: true, timeout: 3_000 });

/** Posts JSON, and calls back with the data of each server-sent event of the answer. */
export function postForStream(url: string, body: unknown, answer: PendingAnswer, onData: (data: string) => void): void {
  const payload = JSON.stringify(body);
  const headers = {
    accept: 'text/event-stream',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(payload),
  };
  const parser = createParser({ onEvent: ({ data }) => onData(data) });
  const sent = request(url, { method: 'POST', agent, headers }, (response) => {
    if (response.statusCode !== 200) return answer.failed(`POST ${url} was answered ${response.statusCode}`);
    answer.accepted();
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => parser.feed(chunk));
    response.on('error', answer.failed);
  });
  sent.on('error', answer.failed);
  sent.end(payload);
}
