import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { findUnreadSettings } from './find-unread-settings.ts';

const example = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');

describe('settings that nobody reads', () => {
  it('are those that .env.example does not have', () => {
    const env =
      'OPENAI_APIKEY=sk\n# GEMINI_KEY=x\nexport GOOGLE_API_KEY="y"\nOPENAI_API_KEY=\nOTEL_EXPORTER_OTLP_ENDPIONT=z\n';
    const unread = ['GOOGLE_API_KEY', 'OPENAI_APIKEY', 'OTEL_EXPORTER_OTLP_ENDPIONT'];
    expect(findUnreadSettings(Object.keys(parseEnv(env)), example)).toEqual(unread);
  });

  it('are not files, nor what other programs read', () => {
    const env = 'GEMINI_API_KEY_FILE=/k\nCOMPOSE_FILE=a.yml\nOTEL_SERVICE_NAME=n\nHTTPS_PROXY=p\nno_proxy=q\nTZ=UTC\n';
    expect(findUnreadSettings(Object.keys(parseEnv(env)), example)).toEqual([]);
    expect(findUnreadSettings(Object.keys(parseEnv(example)), example)).toEqual([]);
  });
});
