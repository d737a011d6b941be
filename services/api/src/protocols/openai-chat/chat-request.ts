import { z } from 'zod';
import { bodyLimit } from '../../http/json-body.ts';
import { customerName, text } from '../../http/parse-input.ts';
import { maxMessageLength, metadata } from '../../invocations/invocation-input.ts';

const notSupported = 'is not supported';
const withTools = 'is not supported yet: an agent answers in text';

/** A parameter that changes the answer in a way that we cannot: refused unless it says nothing. */
const nothing = (says = notSupported) => z.null(says).optional();
const emptyList = (says: string) => z.array(z.unknown()).max(0, says).nullish();
/** A harmless parameter: taken and not used. docs/openai.md lists them. */
const ignored = () => z.unknown().optional().describe('Ignored');

const textParts = z.array(z.strictObject({ type: z.literal('text'), text: text(bodyLimit) })).min(1);
const expectedText = 'expected text, or parts of type text: images, audio and files are not supported';
const content = z.union([text(bodyLimit), textParts], expectedText);

const name = ignored();
const messageSchemas = [
  z.strictObject({ role: z.literal('system'), content, name }),
  z.strictObject({ role: z.literal('developer'), content, name }),
  z.strictObject({ role: z.literal('user'), content, name }),
  z.strictObject({
    role: z.literal('assistant'),
    content: content.nullish(),
    name,
    tool_calls: emptyList(withTools),
    function_call: nothing(withTools),
    audio: nothing(),
    // A client sends back the message that it was given.
    refusal: ignored(),
    annotations: ignored(),
    parsed: ignored(),
    reasoning_content: ignored(),
  }),
] as const;

const message = z.discriminatedUnion('role', messageSchemas, 'expected system, developer, user or assistant');
const maxTokens = z.number().int().min(1).max(1_000_000).nullish();

/** What a client of Chat Completions may send. Nothing is ignored silently: each parameter is honoured, listed as ignored, or refused. */
export const chatRequest = z
  .strictObject({
    model: text(200).min(1, 'must not be empty').describe('The slug or the id of an agent'),
    messages: z.array(message).min(1, 'expected at least one message'),
    stream: z.boolean().nullish(),
    stream_options: z.strictObject({ include_usage: z.boolean().optional(), include_obfuscation: ignored() }).nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().gt(0).max(1).nullish(),
    max_completion_tokens: maxTokens.describe('Lowers the limit of the agent'),
    max_tokens: maxTokens.describe('The older name of max_completion_tokens'),
    user: customerName('your end user').nullish(),
    store: z.boolean().nullish().describe('Whether messages and answer are kept'),
    metadata: metadata.nullish(),

    n: z.literal(1, 'only 1 is supported').nullish(),
    logprobs: z.literal(false, notSupported).nullish(),
    top_logprobs: nothing(),
    logit_bias: z
      .record(z.string(), z.unknown(), 'expected an object')
      .refine((value) => Object.keys(value).length === 0, notSupported)
      .nullish(),
    frequency_penalty: z.literal(0, 'only 0 is supported').nullish(),
    presence_penalty: z.literal(0, 'only 0 is supported').nullish(),
    seed: nothing(),
    stop: nothing(),
    response_format: z.looseObject({ type: z.literal('text', 'only text is supported') }).nullish(),
    modalities: z.array(z.literal('text', 'only text is supported')).nullish(),
    audio: nothing(),
    tools: emptyList(withTools),
    tool_choice: z.literal('none', 'only none is supported').nullish(),
    functions: emptyList(withTools),
    function_call: z.literal('none', 'only none is supported').nullish(),
    reasoning_effort: nothing('is not supported: the agent decides'),
    verbosity: nothing('is not supported: the agent decides'),
    web_search_options: nothing(),
    moderation: nothing(),
    service_tier: z.enum(['auto', 'default'], 'only auto and default are supported').nullish().describe('Ignored'),

    parallel_tool_calls: ignored(),
    prediction: ignored(),
    prompt_cache_key: ignored(),
    prompt_cache_options: ignored(),
    prompt_cache_retention: ignored(),
    safety_identifier: ignored(),
  })
  .superRefine(({ messages, max_tokens, max_completion_tokens, stream, stream_options }, context) => {
    const refuse = (path: (string | number)[], says: string) =>
      context.addIssue({ code: 'custom', path, message: says, input: undefined });
    const last = messages.at(-1);
    if (last?.role !== 'user') refuse(['messages'], 'expected a user message as the last one');
    else {
      const input = toText(last.content);
      if (input.trim() === '') refuse(['messages', messages.length - 1, 'content'], 'must not be empty');
      if (input.length > maxMessageLength)
        refuse(['messages', messages.length - 1, 'content'], `expected at most ${maxMessageLength} characters`);
    }
    if (max_tokens != null && max_completion_tokens != null)
      refuse(['max_tokens'], 'expected it or max_completion_tokens, not both');
    if (stream_options != null && stream !== true) refuse(['stream_options'], 'expected only where stream is true');
  })
  .meta({ id: 'ChatRequest' });

export type ChatRequest = z.output<typeof chatRequest>;

/** The parts of a message are its lines. */
export function toText(given: z.output<typeof content> | null | undefined): string {
  if (given == null) return '';
  return typeof given === 'string' ? given : given.map(({ text: part }) => part).join('\n');
}
