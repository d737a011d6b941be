import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import {
  type AdvisoryException,
  type AuditReport,
  findExpired,
  judgeAudit,
  type Severity,
} from './check-dependencies/judge-audit.ts';
import { findUnused, judgeLicences, type LicenceException } from './check-dependencies/judge-licences.ts';
import { listInstalled } from './check-dependencies/list-installed.ts';
import { root } from './start/read-options.ts';

/**
 * What `npm run check:dependencies` runs: known vulnerabilities of what is installed, as the registry knows them, and licences of what is
 * shipped. Where the registry does not answer, the first half says that it was skipped.
 */
type Exceptions = { advisories: AdvisoryException[]; licences: LicenceException[] };

const exceptions = JSON.parse(
  readFileSync(new URL('./check-dependencies/exceptions.json', import.meta.url), 'utf8'),
) as Exceptions;
const today = new Date().toISOString().slice(0, 10);
const auditLimitMs = 60_000;

/** What is shipped may have no advisory at all; what only we run, none that is serious. */
const audits: { what: string; args: string[]; minSeverity: Severity }[] = [
  { what: 'production', args: ['--omit=dev'], minSeverity: 'low' },
  { what: 'development', args: [], minSeverity: 'high' },
];

/** null, after a line that says why, where the registry gave no report. */
function audit(what: string, args: string[]): AuditReport | null {
  const { stdout, error } = spawnSync('npm', ['audit', '--json', ...args], {
    cwd: root,
    encoding: 'utf8',
    timeout: auditLimitMs,
  });
  const report = parse(stdout ?? '');
  if (report?.auditReportVersion === 2) return report;
  console.log(
    `skipped: the audit of ${what} dependencies, the registry gave no report (${report?.message ?? error?.message ?? 'no JSON'})`,
  );
  return null;
}

function parse(text: string): (AuditReport & { message?: string }) | null {
  try {
    return JSON.parse(text) as AuditReport;
  } catch {
    return null;
  }
}

const problems = findExpired(exceptions.advisories, today);
for (const { what, args, minSeverity } of audits) {
  const report = audit(what, args);
  if (report === null) continue;
  problems.push(
    ...judgeAudit(report, { minSeverity, exceptions: exceptions.advisories, today }).map((line) => `${what}: ${line}`),
  );
}
const installed = listInstalled(root);
problems.push(...judgeLicences(installed, exceptions.licences), ...findUnused(installed, exceptions.licences));
for (const problem of problems) console.log(problem);
console.log(
  problems.length === 0
    ? `licences of ${installed.length} packages are fine`
    : `${problems.length} problems with dependencies`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
