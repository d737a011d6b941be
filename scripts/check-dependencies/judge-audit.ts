const severities = ['info', 'low', 'moderate', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** Of `npm audit --json`, version 2: `via` names another package, or holds the advisory itself. */
type Via = string | { name: string; title: string; url: string; severity: Severity };
export type AuditReport = { auditReportVersion?: number; vulnerabilities?: Record<string, { via: Via[] }> };

/** An advisory that we live with until `expires`, a day such as 2027-01-31. */
export type AdvisoryException = { id: string; reason: string; expires: string };

/** Every advisory from this severity on that no valid exception names, a line each. */
export function judgeAudit(
  { vulnerabilities = {} }: AuditReport,
  { minSeverity, exceptions, today }: { minSeverity: Severity; exceptions: AdvisoryException[]; today: string },
): string[] {
  const advisories = Object.values(vulnerabilities).flatMap(({ via }) =>
    via.filter((each) => typeof each !== 'string'),
  );
  const serious = advisories.filter(({ severity }) => severities.indexOf(severity) >= severities.indexOf(minSeverity));
  const isExcepted = (url: string) => exceptions.some(({ id, expires }) => url.endsWith(`/${id}`) && expires >= today);
  const lines = serious
    .filter(({ url }) => !isExcepted(url))
    .map(({ name, severity, title, url }) => `${name}: ${severity}: ${title} (${url})`);
  return [...new Set(lines)].toSorted();
}

/** Exceptions that are over: each is decided anew, or taken out. */
export function findExpired(exceptions: AdvisoryException[], today: string): string[] {
  return exceptions
    .filter(({ expires }) => expires < today)
    .map(({ id, expires }) => `${id}: its exception ended on ${expires}`);
}
