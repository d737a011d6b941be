import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true });

export type Posted = { status: number; body: string };

/** As cheap a POST as Node has, on a connection that is kept. */
export function postJson(url: string, body: unknown): Promise<Posted> {
  const payload = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(payload);
  });
}

/** Posts, and holds that it was accepted. */
export async function postAccepted(url: string, body: unknown): Promise<void> {
  const { status, body: answer } = await postJson(url, body);
  if (status !== 202) throw new Error(`POST ${url} was answered ${status}: ${answer}`);
}
