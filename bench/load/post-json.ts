import { Agent, request } from 'node:http';

/** The servers close an idle connection after five seconds; ours closes it earlier. */
const agent = new Agent({ keepAlive: true, timeout: 3_000 });

export type Posted = { status: number; body: string };

/** The cheapest POST that Node offers, on a connection that stays open. */
export async function postJson(url: string, body: unknown): Promise<Posted> {
  const payload = JSON.stringify(body);
  try {
    return await post(url, payload);
  } catch (error) {
    // The server closed the idle connection just as we used it again, so it has not read the request.
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

/** Posts, and throws unless the server answers 202. */
export async function postAccepted(url: string, body: unknown): Promise<void> {
  const { status, body: answer } = await postJson(url, body);
  if (status !== 202) throw new Error(`POST ${url} was answered ${status}: ${answer}`);
}
