import { providerCredentials } from '@nexus/common/queue/provider-name';
import { toProviderConfig } from '../../services/worker/src/providers/provider-config.ts';
import { readWorkerConfig } from '../../services/worker/src/worker-config.ts';
import { withLocalStores } from './find-config-problems.ts';

const answerLimitMs = 1_000;

/** What each provider still needs, in words, by the provider's name. A provider that can answer is not in the map. */
export async function findWhatIsLacking(): Promise<Map<string, string>> {
  const config = readWorkerConfig(withLocalStores());
  const providers = toProviderConfig(config);
  const lacking = new Map<string, string>();
  for (const provider of ['openai', 'gemini'] as const) {
    if (providers[provider].apiKey === null) lacking.set(provider, `needs ${providerCredentials[provider]}`);
  }
  if (!(await answers(providers.ollama.baseUrl)))
    lacking.set('ollama', `no Ollama answers at ${new URL(providers.ollama.baseUrl).host}`);
  for (const provider of Object.keys(providerCredentials)) {
    if (!config.WORKER_PROVIDERS.some((served) => served === provider))
      lacking.set(provider, 'is not in WORKER_PROVIDERS');
  }
  return lacking;
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(answerLimitMs) });
    return true; // any status: the worker reports refusals
  } catch {
    return false;
  }
}
