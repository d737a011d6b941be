import { AppError } from '@nexus/common/errors/app-error';
import type { Claim } from '@nexus/common/invocations/status/claim-invocations';
import { isProviderName, type ProviderName } from '@nexus/common/queue/provider-name';
import type { Context } from '../context/build-context.ts';
import type { OnPart, Provider, ProviderFinish, ProviderRequest } from '../providers/provider.ts';
import { type RetryPolicy, retryBeforeFirstPart } from './retry-before-first-part.ts';
import { watchParts } from './watch-parts.ts';

/** Calls the agent's provider with retries, within the agent's timeouts and the invocation's deadline. */
export async function streamParts(
  providers: ReadonlyMap<ProviderName, Provider>,
  policy: RetryPolicy,
  { settings, deadlineInMs }: Claim,
  context: Context,
  onPart: OnPart,
  signal: AbortSignal,
): Promise<ProviderFinish> {
  // Never by the default in its place: what is asked would go to another server than its workspace has chosen.
  if (settings.connectionId)
    throw new AppError('provider_not_configured', 'This worker cannot use connections: ask an agent without one');
  const provider = isProviderName(settings.provider) ? providers.get(settings.provider) : undefined;
  if (!provider)
    throw new AppError('provider_not_configured', `This worker does not serve the provider ${settings.provider}`);
  const limits = [
    limit(
      settings.totalTimeoutMs,
      () => new AppError('total_timeout', `The answer took longer than ${settings.totalTimeoutMs} ms`),
    ),
    ...(deadlineInMs === null ? [] : [limit(deadlineInMs, () => new AppError('deadline_exceeded'))]),
  ];
  const bounded = AbortSignal.any([signal, ...limits.map((each) => each.signal)]);
  const request = toRequest(settings, context);
  try {
    return await retryBeforeFirstPart(
      (tell) => watchParts((each, inner) => provider.stream(request, each, inner), settings, tell, bounded),
      policy,
      onPart,
      bounded,
    );
  } finally {
    for (const each of limits) each.clear();
  }
}

function toRequest(settings: Claim['settings'], { systemPrompt, messages }: Context): ProviderRequest {
  const { model, temperature, topP, maxOutputTokens, contextTokens } = settings;
  return { model, systemPrompt, messages, temperature, topP, maxOutputTokens, contextTokens };
}

function limit(ms: number, reason: () => AppError): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(reason()), Math.max(0, ms));
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}
