import { describe, expect, it } from 'vitest';
import { findUnused, type InstalledPackage, judgeLicences } from './judge-licences.ts';

const installed = (name: string, licence: string | null): InstalledPackage => ({ name, version: '1.0.0', licence });

describe('licences', () => {
  it('are allowed by name, one of several that may be chosen, or all of several that count together', () => {
    const packages = [installed('a', 'MIT'), installed('b', '(GPL-3.0 OR MIT)'), installed('c', 'MIT AND ISC')];
    expect(judgeLicences(packages, [])).toEqual([]);
  });

  it('are refused where they are not known, not named, or count together with one that is not allowed', () => {
    const packages = [installed('a', 'GPL-3.0'), installed('b', null), installed('c', 'MIT AND GPL-3.0')];
    expect(judgeLicences(packages, [])).toEqual([
      'a@1.0.0: GPL-3.0',
      'b@1.0.0: names no licence',
      'c@1.0.0: MIT AND GPL-3.0',
    ]);
  });

  it('are excepted for one package and one licence, for as long as it is installed', () => {
    const exception = { name: 'a', licence: 'GPL-3.0', reason: 'a reason' };
    expect(judgeLicences([installed('a', 'GPL-3.0')], [exception])).toEqual([]);
    expect(judgeLicences([installed('a', 'AGPL-3.0')], [exception])).toHaveLength(1);
    expect(findUnused([installed('b', 'MIT')], [exception])).toHaveLength(1);
  });
});
