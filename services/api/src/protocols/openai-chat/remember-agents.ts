import type { NamedAgent } from './find-agent.ts';

/** How long a name may lead to the agent that had it. The statement that writes the invocation looks at the agent itself again. */
const rememberMs = 1_000;
const maxRemembered = 1_000;

type Find = (workspaceId: string, model: string) => Promise<NamedAgent | null>;

/** The same lookup, which asks Postgres at most once a second for each name that has an agent: it would be a tenth of a request's CPU. */
export function rememberAgents(find: Find, now: () => number = () => performance.now()): Find {
  const known = new Map<string, { agent: NamedAgent; until: number }>();
  return async (workspaceId, model) => {
    const key = `${workspaceId} ${model}`;
    const entry = known.get(key);
    if (entry && entry.until > now()) return entry.agent;
    const agent = await find(workspaceId, model);
    if (known.size >= maxRemembered) known.clear();
    if (agent) known.set(key, { agent, until: now() + rememberMs });
    else known.delete(key);
    return agent;
  };
}
