import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Starts the longest file first, so that the others run beside it. On a fresh clone Vitest does not know how long each file takes. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rest = await super.sort(files);
    const isLongest = ({ moduleId }: TestSpecification) => moduleId.endsWith('/chaos.test.ts');
    return [...rest.filter(isLongest), ...rest.filter((file) => !isLongest(file))];
  }
}
