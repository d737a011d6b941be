import { styleText } from 'node:util';
import type { StartOptions } from './read-options.ts';
import type { ShownAgent } from './show-first-answer.ts';

/** What can be done now, with real ids. */
export function toGuide(
  { ports, workers }: StartOptions,
  agents: ShownAgent[],
  echo: ShownAgent,
  lacking: Map<string, string>,
): string {
  const api = `http://localhost:${ports.api}`;
  const body = (agentId: string) =>
    `-H "Content-Type: application/json" -d '{"agentId": "${agentId}", "message": "Hello!"}'`;
  const lack = (provider: string) =>
    lacking.has(provider) ? `   ${styleText('yellow', lacking.get(provider) ?? '')}` : '';
  const bold = (text: string) => styleText('bold', text);
  return `
${bold('It runs.')}  API ${api}   gateway http://localhost:${ports.gateway}   ${workers} worker${workers > 1 ? 's' : ''}, health at http://localhost:${ports.worker}/readyz

${bold('Agents')}
${agents.map(({ avatar, name, provider, model, id }) => `  ${avatar}  ${name.padEnd(18)} ${`${provider}/${model}`.padEnd(22)} ${id}${lack(provider)}`).join('\n')}

${bold('Try')}
  curl ${api}/api/agents
  curl -X POST ${api}/api/invoke ${body(echo.id)}
  curl -N -X POST ${api}/api/invoke -H "Accept: text/event-stream" ${body(echo.id)}

Keys for OpenAI and Gemini go into .env (see .env.example), and the next start finds them. How to resume, cancel and
listen over Socket.IO: docs/protocol.md. Ctrl-C stops everything; the data stays.
`;
}
