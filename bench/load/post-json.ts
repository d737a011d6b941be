import { Agent, request } from 'node:http';

/** Idle connections are given up before the servers' five seconds are over. */
const agent = new Agent({ keepAlive: true, timeout: 3_000 });

export type Posted = { status: number; body: string };

/** As cheap a POST as Node has, on a connection that is kept. */
export async function postJson(url: string, body: unknown): Promise<Posted> {
  const payload = JSON.stringify(body);
  try {
    return await post(url, payload);
  } catch (error) {
    // The server closed the idle connection in the very moment in which it was used again: it has not read the request.
    if (error instanceof ReusedConnectionLost) return post(url, payload);
    throw error;
  }
}

class ReusedConnectionLost extends Error {}

function post(url: string, payload: string): Promise<Posted> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      response.on('error', reject);
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      reject(sent.reusedSocket && error.code === 'ECONNRESET' ? new ReusedConnectionLost() : error);
    });
    sent.end(payload);
  });
}

/** Posts, and holds that it was accepted. */
export async function postAccepted(url: string, body: unknown): Promise<void> {
  const { status, body: answer } = await postJson(url, body);
  if (status !== 202) throw new Error(`POST ${url} was answered ${status}: ${answer}`);
}
