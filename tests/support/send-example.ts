import type { Example, Route } from '../../services/api/src/routes/route.ts';

/** Sends an example of a route to an API, with further headers. */
export async function sendExample(
  apiUrl: string,
  { method, path }: Pick<Route, 'method' | 'path'>,
  { params = {}, query, headers, body }: Omit<Example, 'name' | 'status'>,
  more: Record<string, string> = {},
): Promise<Response> {
  const filled = Object.entries(params).reduce((url, [name, value]) => url.replace(`:${name}`, value), path);
  const search = query ? `?${new URLSearchParams(query)}` : '';
  return fetch(`${apiUrl}${filled}${search}`, {
    method: method.toUpperCase(),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers, ...more },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
