import { isProviderName } from '@nexus/common/queue/provider-name';
import type { Usage } from '@nexus/protocol/event';
import { type Price, priceTable, priceTableVersion } from './price-table.ts';

export type Cost = { costMicroUsd: bigint; priceTableVersion: string };

/** What these tokens cost in micro-USD, rounded up; null for a model without a known price. Cached tokens are part of the input. */
export function costOf(
  provider: string,
  model: string,
  { inputTokens, cachedTokens, outputTokens }: Usage,
): Cost | null {
  const price = isProviderName(provider) ? findPrice(priceTable[provider], model) : undefined;
  if (!price || inputTokens > (price.upToInputTokens ?? Number.POSITIVE_INFINITY)) return null;
  const fresh = Math.max(0, inputTokens - cachedTokens);
  const total = (fresh * price.input + cachedTokens * price.cachedInput + outputTokens * price.output) / 1_000_000;
  return { costMicroUsd: BigInt(Math.ceil(total)), priceTableVersion };
}

/** `-latest`, `-preview`, a date (2024-08-06, 0613, 09-2025) or a number (002); not a size, as in `-32k` and `-8b`. */
const version = /^(-latest|-preview)?(-\d{4}-\d\d-\d\d|-\d\d-\d{4}|-\d{3,4})?$/;

/** The name itself, or the name with a date or version after it: gpt-4-0613 is a gpt-4, gpt-4o is not. */
function findPrice(prices: Record<string, Price>, model: string): Price | undefined {
  if (prices['']) return prices[''];
  const names = Object.keys(prices).filter((name) => model.startsWith(name) && version.test(model.slice(name.length)));
  const longest = names.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : prices[longest];
}
