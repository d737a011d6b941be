import { classifyFailure } from '../wire/classify-failure.ts';
import type { Failure } from '../wire/read-failure.ts';

/** The parameters that we send in addition to the model and the messages, and how servers name them in a refusal. */
const parameters = {
  stream_options: /\b(stream_options|include_usage)\b/,
  stream: /\bstream\b/,
  max_tokens: /\bmax_tokens\b/,
  max_completion_tokens: /\bmax_completion_tokens\b/,
  temperature: /\btemperature\b/,
  top_p: /\btop_p\b/,
};
export type Parameter = keyof typeof parameters;
export type Refused = ReadonlySet<Parameter>;

/** The value is out of range, which the agent's owner must change: a request without the parameter would hide that. */
const aboutValue =
  /exceed|too (large|big|high|small)|at (most|least)|(less|greater|more) than|between|m(ax|in)imum|range/i;
const refusal =
  /unsupported|not support|unknown|unrecogni[sz]ed|unexpected|not expected|extra|not permitted|not allowed|forbidden|additional propert|deprecated|cannot both|only the default|must be verified|use '?max_/i;

/** Remembers the parameters that each model of a server refuses. */
export type Dialects = {
  refusedFor(model: string): Refused;
  /**
   * Finds the parameters of the body `sent` that this failure refuses. Remembers them, and returns them together with `refused`. null: a request
   * without some parameter would not help.
   */
  learn(model: string, refused: Refused, failure: Failure, sent: object): Refused | null;
};

const none: Refused = new Set();

export function createDialects(): Dialects {
  const known = new Map<string, Refused>();
  return {
    refusedFor: (model) => known.get(model) ?? none,
    learn(model, refused, failure, sent) {
      const found = readRefused(failure, sent);
      if (found.length === 0) return null;
      const next: Refused = new Set([...refused, ...found]);
      if (next.has('max_tokens') && next.has('max_completion_tokens')) {
        // The limit bounds the cost of an answer: it is renamed, never left out.
        known.delete(model);
        return null;
      }
      known.set(model, next);
      return next;
    },
  };
}

function readRefused(failure: Failure, sent: object): Parameter[] {
  const { httpStatus, names, words } = failure;
  if (httpStatus !== 400 && httpStatus !== 422) return [];
  if (classifyFailure(failure) === 'provider_context_too_long') return [];
  const said = [words, ...names].join('\n');
  const isNamed = (name: Parameter) => name in sent && parameters[name].test(said);
  if (isNamed('stream_options')) return ['stream_options'];
  return refusal.test(said) && !aboutValue.test(words) ? (Object.keys(parameters) as Parameter[]).filter(isNamed) : [];
}
