import { monotonicMs } from '../processes/monotonic-ms.ts';
import { readStamps } from '../provider/stamp.ts';

/** The times of one answer at its client, in milliseconds of the monotonic clock. */
export type Answer = {
  postedAt: number;
  /** When the server answered the POST. */
  acceptedAt: number;
  chunks: { sentAt: number; seenAt: number }[];
  endedAt: number;
};

export type PendingAnswer = {
  accepted(): void;
  /** A piece of the answer: one chunk of the provider, or several joined. */
  text(text: string): void;
  /** All of the answer so far, in place of what was seen. */
  whole(text: string): void;
  ended(): void;
  failed(why: unknown): void;
  /** Resolves at the end of the answer. Rejects if it failed or took too long, so that no broken answer is measured. */
  done: Promise<Answer>;
};

const limitMs = 120_000;

/** Starts the clock of one answer. */
export function beginAnswer(): PendingAnswer {
  const answer: Answer = { postedAt: monotonicMs(), acceptedAt: 0, chunks: [], endedAt: 0 };
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const timer = setTimeout(() => reject(new Error(`no end of an answer within ${limitMs / 1_000} s`)), limitMs);
  const settle = () => {
    if (answer.acceptedAt === 0 || answer.endedAt === 0) return;
    clearTimeout(timer);
    resolve(answer);
  };
  const see = (stamps: number[]) => {
    const seenAt = monotonicMs();
    for (const sentAt of stamps) answer.chunks.push({ sentAt, seenAt });
  };
  return {
    accepted() {
      answer.acceptedAt = monotonicMs();
      settle();
    },
    text: (text) => see(readStamps(text)),
    whole: (text) => see(readStamps(text).slice(answer.chunks.length)),
    ended() {
      answer.endedAt = monotonicMs();
      settle();
    },
    failed(why) {
      clearTimeout(timer);
      reject(new Error(`an answer failed: ${why instanceof Error ? why.message : JSON.stringify(why)}`));
    },
    done: promise,
  };
}
