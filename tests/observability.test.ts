import { existsSync, readFileSync } from 'node:fs';
import { parseConfig } from '@nexus/common/config/parse-config';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiConfigSchema } from '../services/api/src/api-config.ts';
import { gatewayConfigSchema } from '../services/gateway/src/gateway-config.ts';
import { workerConfigSchema } from '../services/worker/src/worker-config.ts';
import { type ExportedMetrics, loadMetrics } from './support/load-metrics.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { parseQuery } from './support/parse-query.ts';
import { readObservability } from './support/read-observability.ts';

const { folder, rules, panels, queries, ruleTests, scrapes, services } = readObservability();
const parsed = queries.map(({ where, expr }) => ({ where, ...parseQuery(expr) }));
const alerts = rules.filter(({ alert }) => alert !== undefined);

/** Labels that Prometheus itself gives to everything it scrapes. */
const targetLabels = ['job', 'instance'];
/** Series that no service exports, with their labels. */
const madeByPrometheus = new Map([
  ['up', targetLabels],
  ['ALERTS', ['alertname', 'alertstate', 'severity']],
  ...rules.flatMap(({ record, expr }): [string, string[]][] =>
    record === undefined ? [] : [[record, parseQuery(expr).groupedBy]],
  ),
]);

describe('alerts', () => {
  const runbook = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8');
  const anchors = [...runbook.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );

  it.each(alerts)(
    '$alert has a severity, and describes what happens and what to do',
    ({ labels, annotations = {} }) => {
      expect(labels?.severity).toMatch(/^(critical|warning)$/);
      expect(annotations.summary).toBeTruthy();
      expect(annotations.description).toBeTruthy();
      const [file, anchor] = annotations.runbook_url?.split('#') ?? [];
      expect(file).toBe('docs/operations.md');
      expect(anchors).toContain(anchor);
    },
  );

  it.each(alerts)('$alert has a unit test', ({ alert }) => {
    expect(ruleTests).toMatch(new RegExp(`(alertname: |alertname=\\\\?")${alert}\\b`));
  });
});

describe('the dashboard', () => {
  it('uses the data source that is chosen in it', () => {
    for (const panel of panels.filter(({ type }) => type !== 'row'))
      for (const { uid } of [panel.datasource, ...(panel.targets ?? []).map(({ datasource }) => datasource)].flatMap(
        (source) => source ?? [],
      ))
        expect(uid, panel.title).toBe('${' + 'datasource}');
  });

  it('has its panels side by side, each with an id of its own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { title, gridPos } of panels) expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
  });
});

describe('the compose fragment', () => {
  it.each(Object.entries(services))('keeps %s pinned, read-only and on this machine', (_name, service) => {
    expect(service.image).toMatch(/:v?\d+\.\d+\.\d+$/);
    expect(service.profiles).toEqual(['observability']);
    expect(service.networks).toContain('edge');
    expect(service.read_only).toBe(true);
    expect(service.healthcheck.test).not.toEqual([]);
    for (const port of service.ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it.each(Object.entries(services))('mounts into %s only files that exist', (_name, { volumes }) => {
    for (const volume of volumes.filter((each) => each.startsWith('./'))) {
      const [source = '', , mode] = volume.split(':');
      expect(existsSync(new URL(source, folder)), source).toBe(true);
      expect(mode).toBe('ro');
    }
  });
});

describe('the scrape configuration', () => {
  it('scrapes each service at its port', () => {
    const needed = { DATABASE_URL: 'postgresql://localhost/nexus', REDIS_URL: 'redis://localhost' };
    const ports = {
      api: parseConfig(apiConfigSchema, needed).API_PORT,
      gateway: parseConfig(gatewayConfigSchema, needed).GATEWAY_PORT,
      worker: parseConfig(workerConfigSchema, needed).WORKER_PORT,
    };
    const found = scrapes.flatMap(
      ({ job_name, dns_sd_configs }) => dns_sd_configs?.map(({ port }) => [job_name, port]) ?? [],
    );
    expect(Object.fromEntries(found)).toEqual(ports);
  });
});

describe('rules and dashboard', () => {
  let stack: Stack;
  let exported: ExportedMetrics;
  beforeAll(async () => {
    stack = await openStack();
    const { body } = await stack.api.invoke({ agentId: stack.echoAgentId, message: 'Hello!' });
    await stack.api.finished(body.id);
    exported = await loadMetrics([...stack.apis, ...stack.gateways, ...stack.workers].map(({ url }) => url));
  });
  afterAll(() => stack?.close());

  const labelsOf = (metric: string) => madeByPrometheus.get(metric) ?? exported.get(metric);

  it('name only metrics that the services export', () => {
    const named = new Set(parsed.flatMap(({ selectors }) => selectors.map(({ metric }) => metric)));
    expect([...named].filter((metric) => labelsOf(metric) === undefined)).toEqual([]);
  });

  it('use only labels that the metrics have', () => {
    const unknown = parsed.flatMap(({ where, selectors, groupedBy }) => {
      const known = selectors.map(({ metric }) => labelsOf(metric));
      const wrong = selectors.flatMap(({ metric, labels }, index) =>
        lacking(labels, known[index]).map((label) => `${metric}{${label}} (${where})`),
      );
      // A metric without a sample may have any label.
      const joined = known.some((labels) => !labels)
        ? []
        : lacking(
            groupedBy,
            known.flatMap((labels) => [...(labels ?? [])]),
          );
      return [...wrong, ...joined.map((label) => `by ${label} (${where})`)];
    });
    expect(unknown).toEqual([]);
  });

  it('measure the wait beyond the threshold of its alert', async () => {
    // A quantile of a histogram never exceeds its last bucket, so with a higher threshold the alert could not fire.
    const { expr = '' } = alerts.find(({ alert }) => alert === 'NexusQueueWaitLong') ?? {};
    const [worker] = stack.workers;
    const text = await (await fetch(`${worker?.url}/metrics`)).text();
    const bounds = [...text.matchAll(/^nexus_invocation_queue_wait_seconds_bucket\{[^}]*le="([\d.]+)"/gm)];
    expect(Math.max(...bounds.map(([, bound]) => Number(bound)))).toBeGreaterThan(Number(/> (\d+)/.exec(expr)?.[1]));
  });
});

function lacking(labels: string[], known: Iterable<string> | null | undefined): string[] {
  if (!known) return [];
  const all = new Set([...known, ...targetLabels]);
  return labels.filter((label) => !all.has(label));
}
