import type { ProviderName } from '@nexus/common/queue/provider-name';

export type AgentSeed = {
  id: string;
  name: string;
  slug: string;
  description: string;
  avatar: string;
  provider: ProviderName;
  model: string;
  systemPrompt: string;
  temperature: number | null;
  contextTokens: number;
};

/** contextTokens leaves room for the answer in the model's window: 8k for Llama 3 and GPT-4, 16k for the others. */
export const seedAgents: AgentSeed[] = [
  {
    id: '00000000-0000-7000-8000-0000000000a1',
    name: 'Llama 3 Assistant',
    slug: 'llama-3-assistant',
    description: 'A general assistant that runs on your own machine.',
    avatar: '🦙',
    provider: 'ollama',
    model: 'llama3',
    systemPrompt: 'You are a helpful, honest assistant. Answer clearly and briefly, and say so when you do not know.',
    temperature: 0.7,
    contextTokens: 6_000,
  },
  {
    id: '00000000-0000-7000-8000-0000000000a2',
    name: 'GPT-4 Strategist',
    slug: 'gpt-4-strategist',
    description: 'Thinks through plans, options and their consequences.',
    avatar: '♟️',
    provider: 'openai',
    model: 'gpt-4',
    systemPrompt:
      'You are a strategist. Lay out the options, weigh their risks and costs, name your assumptions, and end with one recommendation and its first step.',
    temperature: 0.5,
    contextTokens: 6_000,
  },
  {
    id: '00000000-0000-7000-8000-0000000000a3',
    name: 'Gemini Analyst',
    slug: 'gemini-analyst',
    description: 'Reads data and texts closely and says what follows from them.',
    avatar: '🔎',
    provider: 'gemini',
    model: 'gemini-pro',
    systemPrompt:
      'You are an analyst. Separate what the material says from what you infer, give figures with their units, and point out what is missing.',
    temperature: 0.3,
    contextTokens: 24_000,
  },
  {
    id: '00000000-0000-7000-8000-0000000000a4',
    name: 'Code Helper',
    slug: 'code-helper',
    description: 'Writes, explains and reviews code on your own machine.',
    avatar: '🛠️',
    provider: 'ollama',
    model: 'codellama',
    systemPrompt:
      'You are a careful programmer. Give complete, working code with its assumptions, explain only what is not obvious, and mention the edge cases.',
    temperature: 0.2,
    contextTokens: 12_000,
  },
  {
    id: '00000000-0000-7000-8000-0000000000a5',
    name: 'GPT-3.5 Turbo',
    slug: 'gpt-3-5-turbo',
    description: 'Fast and inexpensive for everyday questions.',
    avatar: '⚡',
    provider: 'openai',
    model: 'gpt-3.5-turbo',
    systemPrompt: 'You are a quick, friendly assistant. Get to the point.',
    temperature: 0.7,
    contextTokens: 12_000,
  },
];

/** Echo needs no key and no model: for the local stack and for experiments. */
export const echoAgent: AgentSeed = {
  id: '00000000-0000-7000-8000-0000000000a6',
  name: 'Echo',
  slug: 'echo',
  description: 'Says back what it hears, word by word. Needs no key.',
  avatar: '🔁',
  provider: 'echo',
  model: 'echo',
  systemPrompt: '',
  temperature: null,
  contextTokens: 8_192,
};
