import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const folder = new URL('../../deploy/observability/', import.meta.url);

export type Rule = {
  record?: string;
  alert?: string;
  expr: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
};

export type Panel = {
  id: number;
  title: string;
  type: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { uid: string };
  targets?: { expr: string; datasource: { uid: string } }[];
};

export type ComposeService = {
  image: string;
  profiles: string[];
  ports: string[];
  networks: string[];
  volumes: string[];
  read_only: boolean;
  healthcheck: { test: string[] };
};

/** The files of deploy/observability, parsed. */
export function readObservability() {
  const readYaml = <T>(name: string) => parse(readFileSync(new URL(name, folder), 'utf8')) as T;
  const rulesOf = (name: string) =>
    readYaml<{ groups: { rules: Rule[] }[] }>(name).groups.flatMap(({ rules }) => rules);
  const dashboard = JSON.parse(readFileSync(new URL('grafana/dashboards/agent-nexus.json', folder), 'utf8'));
  const rules = [...rulesOf('recording-rules.yml'), ...rulesOf('alert-rules.yml')];
  const panels = dashboard.panels as Panel[];
  return {
    folder,
    rules,
    panels,
    /** Every PromQL expression, with its place. */
    queries: [
      ...rules.map(({ record, alert, expr }) => ({ where: record ?? alert ?? '', expr })),
      ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ where: title, expr }))),
    ],
    ruleTests: readFileSync(new URL('alert-rules.test.yml', folder), 'utf8'),
    scrapes: readYaml<{ scrape_configs: { job_name: string; dns_sd_configs?: { names: string[]; port: number }[] }[] }>(
      'prometheus.yml',
    ).scrape_configs,
    services: readYaml<{ services: Record<string, ComposeService> }>('compose.yaml').services,
  };
}
