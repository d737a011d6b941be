import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** By far the longest file begins first, so that all others run beside it: on a fresh clone nobody knows yet how long each takes. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rest = await super.sort(files);
    const isLongest = ({ moduleId }: TestSpecification) => moduleId.endsWith('/chaos.test.ts');
    return [...rest.filter(isLongest), ...rest.filter((file) => !isLongest(file))];
  }
}
