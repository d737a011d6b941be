import { styleText } from 'node:util';
import type { StartOptions } from './read-options.ts';
import { toShownUrl } from './service-places.ts';
import type { ShownAgent } from './show-first-answer.ts';

/** What a person can do now, with real ids. */
export function toGuide(
  { places, workers }: StartOptions,
  key: string | null,
  agents: ShownAgent[],
  lacking: ReadonlyMap<string, string>,
): string {
  const [api, gateway, worker] = [places.api, places.gateway, places.worker].map(toShownUrl);
  const auth = key === null ? '' : ' -H "Authorization: Bearer $KEY"';
  const access =
    key === null
      ? `Everybody on this machine may call. ${styleText('bold', 'npm start -- --auth')} asks callers for keys.`
      : `Callers need a key. This one may do everything; make others by npm run keys.`;
  const body = (agentId: string) =>
    `-H "Content-Type: application/json" -d '{"agentId": "${agentId}", "message": "Hello!"}'`;
  const chat = (model: string) =>
    `-H "Content-Type: application/json" -d '{"model": "${model}", "stream": true, "messages": [{"role": "user", "content": "Hello!"}]}'`;
  const lack = (provider: string) =>
    lacking.has(provider) ? `   ${styleText('yellow', lacking.get(provider) ?? '')}` : '';
  const bold = (text: string) => styleText('bold', text);
  const tried = agents.find(({ provider }) => provider === 'echo') ?? agents[0];
  const onlyEcho = ['openai', 'gemini', 'ollama'].every((provider) => lacking.has(provider)) && !lacking.has('echo');
  const keys = onlyEcho
    ? 'Only Echo answers yet. To use the others, put a key for OpenAI or Gemini into .env (see .env.example), or run Ollama, and start again.'
    : 'Put keys for OpenAI and Gemini into .env (see .env.example), and start again.';
  return `
${bold('It runs.')}  API ${api}   gateway ${gateway}   ${workers} worker${workers > 1 ? 's' : ''}, health at ${worker}/readyz

${bold('Agents')}
${agents.map(({ avatar, name, provider, model, id }) => `  ${avatar}  ${name.padEnd(18)} ${`${provider}/${model}`.padEnd(22)} ${id}${lack(provider)}`).join('\n')}

${bold('Try')}
${key === null ? '' : `  KEY=${key}\n`}  curl${auth} ${api}/api/agents
${
  tried
    ? `  curl${auth} -X POST ${api}/api/invoke ${body(tried.id)}
  curl${auth} -N -X POST ${api}/api/invoke -H "Accept: text/event-stream" ${body(tried.id)}
  curl${auth} -N ${api}/v1/chat/completions ${chat(tried.id)}
`
    : ''
}
${access}
${keys}
The whole API: ${api}/docs
How to resume, cancel and listen over Socket.IO: docs/protocol.md. Ctrl-C stops everything; the data stays.
`;
}
