import { errorType, type Span, type Tracer } from '@nexus/common/tracing/tracer';
import { abortReason } from '../attempts/running-attempts.ts';
import type { OnPart, Provider, ProviderFinish, ProviderPart, ProviderRequest } from '../providers/provider.ts';
import { toInputAttributes, toOutputAttributes, toRequestAttributes, toUsageAttributes } from './gen-ai-attributes.ts';

/** `captureContent`: spans contain prompts and answers. */
export type CallTracing = { tracer: Tracer; captureContent: boolean };

/** Opens a client span for each call, so one for each retry. It ends when the call ends or is aborted. */
export function traceProvider(name: string, provider: Provider, { tracer, captureContent }: CallTracing): Provider {
  function startCall(request: ProviderRequest): Span {
    const invocationId = tracer.active()?.invocationId;
    const span = tracer.start({
      kind: 'client',
      name: `chat ${request.model}`,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.stream': true,
        ...toRequestAttributes(name, request),
        ...(captureContent ? toInputAttributes(request) : {}),
      },
    });
    if (invocationId) span.identify({ invocationId });
    return span;
  }

  async function stream(request: ProviderRequest, onPart: OnPart, signal: AbortSignal): Promise<ProviderFinish> {
    const span = startCall(request);
    const startedAt = performance.now();
    const said = { text: '', reasoning: '' };
    let begun = false;
    let ended = false;

    function noteBegin(): void {
      if (!begun) span.set({ 'gen_ai.response.time_to_first_chunk': (performance.now() - startedAt) / 1_000 });
      begun = true;
    }

    function note(part: ProviderPart): void {
      if (ended) return;
      noteBegin();
      if (captureContent) said[part.type === 'text-delta' ? 'text' : 'reasoning'] += part.text;
    }

    function end(how: ProviderFinish | { failure: string }): void {
      if (ended) return;
      ended = true;
      const reason = 'failure' in how ? 'error' : how.reason;
      if (captureContent && begun) span.set(toOutputAttributes(said.text, said.reasoning, reason));
      if ('failure' in how) span.fail(how.failure);
      else {
        span.set({ 'gen_ai.response.finish_reasons': [how.rawReason] });
        if (how.usage) span.set(toUsageAttributes(how.usage));
      }
      span.end();
    }

    // End the span at the abort, because a provider may ignore its signal.
    const onAbort = () => end({ failure: abortReason(signal).code });
    signal.addEventListener('abort', onAbort);
    try {
      const noteAndTell = (part: ProviderPart) => {
        note(part);
        onPart(part);
      };
      const finish = await provider.stream(request, noteAndTell, signal);
      if (!ended) noteBegin();
      end(finish);
      return finish;
    } catch (error) {
      end({ failure: errorType(error) });
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
  return { stream };
}
