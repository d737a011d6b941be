import { describe, expect, it } from 'vitest';
import { type AdvisoryException, type AuditReport, findExpired, judgeAudit } from './judge-audit.ts';

const today = '2026-12-01';
const url = (id: string) => `https://github.com/advisories/${id}`;
const report: AuditReport = {
  auditReportVersion: 2,
  vulnerabilities: {
    outer: { via: ['inner'] },
    inner: {
      via: [
        { name: 'inner', title: 'reads too far', url: url('GHSA-aaaa'), severity: 'low' },
        { name: 'inner', title: 'runs anything', url: url('GHSA-bbbb'), severity: 'critical' },
      ],
    },
  },
};
const excepted = (expires: string): AdvisoryException => ({ id: 'GHSA-bbbb', reason: 'not reached', expires });

describe('what npm audit found', () => {
  it('is every advisory from the bar on, once', () => {
    const judge = (minSeverity: 'low' | 'high') => judgeAudit(report, { minSeverity, exceptions: [], today });
    expect(judge('low')).toHaveLength(2);
    expect(judge('high')).toEqual([`inner: critical: runs anything (${url('GHSA-bbbb')})`]);
  });

  it('leaves out what an exception names, up to its last day', () => {
    const judge = (expires: string) =>
      judgeAudit(report, { minSeverity: 'high', exceptions: [excepted(expires)], today });
    expect(judge(today)).toEqual([]);
    expect(judge('2026-11-30')).toHaveLength(1);
  });

  it('names exceptions that are over', () => {
    expect(findExpired([excepted('2026-11-30'), excepted(today)], today)).toEqual([
      'GHSA-bbbb: its exception ended on 2026-11-30',
    ]);
  });
});
