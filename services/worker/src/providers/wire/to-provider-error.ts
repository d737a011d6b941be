import { AppError } from '@nexus/common/errors/app-error';
import type { ErrorCode } from '@nexus/protocol/error-codes';
import { classifyFailure, isWrongPath } from './classify-failure.ts';
import { hostOf, type ProviderIdentity } from './provider-identity.ts';
import { quote } from './quote.ts';
import type { Failure } from './read-failure.ts';
import { reasonOf } from './reason-of.ts';

/**
 * A failure that the provider reported: our code, the provider's own words, and what to do about it. `answeredBy` is the address that
 * answered. After a redirect it may be another host.
 */
export function toProviderError(identity: ProviderIdentity, failure: Failure, answeredBy?: URL): AppError {
  const code = classifyFailure(failure);
  const words = quote(failure.words, identity.secrets);
  const isKey = code === 'provider_key_rejected';
  const status = failure.httpStatus ?? failure.status;
  const head = isKey
    ? `${identity.title} rejected the credentials${status === undefined ? '' : ` (${status})`}`
    : `${identity.title}${status === undefined ? '' : ` answered ${status}`}`;
  const said = words === '' ? head : `${head}: ${words}`;
  const advice = adviceFor(identity, code, failure, answeredBy);
  const { retryAfterMs } = failure;
  return new AppError(code, advice === null ? said : `${said.replace(/[.\s]+$/, '')}. ${advice}.`, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function adviceFor(
  { keyVariable, baseUrl, baseUrlVariable, advice }: ProviderIdentity,
  code: ErrorCode,
  failure: Failure,
  answeredBy?: URL,
): string | null {
  if (code === 'provider_key_rejected') {
    if (answeredBy && answeredBy.origin !== new URL(baseUrl).origin)
      return `${hostOf(baseUrl)} redirects to ${answeredBy.host}, which gets no key from us: name it in ${baseUrlVariable}`;
    if (keyVariable !== null) return `Check ${keyVariable} where the worker runs`;
    return `Check what ${hostOf(baseUrl)} asks for`;
  }
  if (code === 'provider_request_rejected' && isWrongPath(failure))
    return `There is no such address at ${hostOf(baseUrl)}: check ${baseUrlVariable}`;
  // A 404 that does not mention a model may come from a proxy.
  if (code === 'provider_model_not_found' && !/model/i.test(failure.words)) return null;
  return advice?.[code] ?? null;
}

/** A redirect that is not followed. */
export function redirected(identity: ProviderIdentity, status: number, location: string | undefined): AppError {
  const to = URL.parse(location ?? '', identity.baseUrl);
  const where = to ? ` to ${quote(to.origin + to.pathname, identity.secrets)}` : '';
  return new AppError(
    'provider_request_rejected',
    `${identity.title} at ${hostOf(identity.baseUrl)} answered ${status}, a redirect${where} that is not followed. ` +
      `Set ${identity.baseUrlVariable} to the address of its API.`,
  );
}

/** No answer at all: refused, unknown host, reset before the first byte. */
export function unreachable({ title, baseUrl }: ProviderIdentity, cause: unknown): AppError {
  const reason = reasonOf(cause);
  return new AppError(
    'provider_unreachable',
    `${title} cannot be reached at ${hostOf(baseUrl)}${reason ? ` (${reason})` : ''}`,
    { cause },
  );
}
