import { styleText } from 'node:util';
import type { StartOptions } from './read-options.ts';
import { toUrl } from './service-places.ts';
import { loadAgents, type ShownAgent, showFirstAnswer } from './show-first-answer.ts';
import { toGuide } from './to-guide.ts';

export type GreetParts = {
  options: StartOptions;
  /** A key's token, where callers need one. */
  key: string | null;
  lacking: Promise<Map<string, string>>;
  say(line: string): void;
  write(text: string): void;
  stopping(): boolean;
  /** Runs the body while nothing else is written. */
  whileShowing(body: () => Promise<void>): Promise<void>;
};

/** Shows a first answer and the guide. The system already runs, so a failure here prints one line and stops nothing. */
export async function greet({ options, key, lacking, say, write, stopping, whileShowing }: GreetParts): Promise<void> {
  const attempt = async (what: string, body: () => Promise<void>) => {
    try {
      await body();
    } catch (error) {
      const reason = (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
      if (!stopping()) say(styleText('yellow', `${what}: ${reason}. The system stays up.`));
    }
  };
  const [api, gateway] = [toUrl(options.places.api), toUrl(options.places.gateway)];
  let agents: ShownAgent[] = [];
  await attempt('The agents cannot be listed', async () => {
    agents = await loadAgents(api, key);
  });
  const echo = agents.find(({ provider }) => provider === 'echo');
  const lacks = await lacking;
  if (echo && !lacks.has(echo.provider)) {
    say(`A first message to ${echo.name}, its answer as it streams:\n`);
    await attempt('The first answer failed', () =>
      whileShowing(async () => {
        try {
          await showFirstAnswer({ api, gateway, key }, echo, write);
        } finally {
          write('\n');
        }
      }),
    );
  }
  if (!stopping()) write(`${toGuide(options, key, agents, lacks)}\n`);
}
