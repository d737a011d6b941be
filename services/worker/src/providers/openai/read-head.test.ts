import { afterEach, describe, expect, it, vi } from 'vitest';
import { readHead } from './read-head.ts';

const fromTheShell = ['org-of-the-shell', 'project-of-the-shell', 'custom-of-the-shell', 'agent-of-the-shell'];

describe('readHead', () => {
  afterEach(() => void vi.unstubAllEnvs());
  function stubShell(): void {
    vi.stubEnv('OPENAI_ORG_ID', fromTheShell[0]);
    vi.stubEnv('OPENAI_PROJECT_ID', fromTheShell[1]);
    vi.stubEnv('OPENAI_ADMIN_KEY', 'admin-of-the-shell');
    vi.stubEnv('OPENAI_CUSTOM_HEADERS', `X-Custom: ${fromTheShell[2]}\nUser-Agent: ${fromTheShell[3]}`);
  }

  it.each(['https://api.openai.com/v1', 'https://eu.api.openai.com/v1'])(
    'sends the settings of the shell to %s',
    async (url) => {
      stubShell();
      const { headers, credentials } = await readHead('sk-mine', url);
      const all = JSON.stringify({ headers, credentials });
      for (const setting of fromTheShell) expect(all).toContain(setting);
      expect(credentials).toMatchObject({ authorization: 'Bearer sk-mine', 'openai-organization': fromTheShell[0] });
      expect(all).not.toContain('admin-of-the-shell');
    },
  );

  it.each([
    'https://api.mistral.ai/v1',
    'http://127.0.0.1:8080/v1',
    'https://api.openai.com.example/v1',
    'https://notapi.openai.com/v1',
    'http://api.openai.com/v1',
  ])('sends none of them to %s', async (url) => {
    stubShell();
    const { headers, credentials } = await readHead('sk-mine', url);
    expect(credentials).toEqual({ authorization: 'Bearer sk-mine' });
    expect(Object.keys(headers).sort()).toEqual(['accept', 'content-type', 'user-agent']);
    expect(JSON.stringify(headers)).not.toContain('of-the-shell');
  });

  it.each([
    ['https://a.example/v1', 'https://a.example/v1/chat/completions'],
    ['https://a.example/', 'https://a.example/chat/completions'],
    [
      'https://a.example/openai/v1?api-version=preview',
      'https://a.example/openai/v1/chat/completions?api-version=preview',
    ],
  ])('asks %s at %s', async (baseUrl, url) => {
    expect((await readHead('sk-mine', baseUrl)).url.href).toBe(url);
  });
});
