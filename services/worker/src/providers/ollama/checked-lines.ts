import { AppError } from '@nexus/common/errors/app-error';

/**
 * Passes a body of JSON lines through unchanged and breaks it where a line is no JSON: the client library would write such a line,
 * and with it somebody's answer, to the console and go on as if nothing were missing.
 */
export function checkedLines(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const decoder = new TextDecoder();
  let rest = '';
  const check = (line: string, whole: boolean) => {
    if (line.trim() === '') return;
    try {
      JSON.parse(line);
    } catch {
      throw whole
        ? new AppError('provider_protocol_error', 'Ollama sent a line that is not JSON')
        : new AppError('stream_interrupted', 'Ollama broke off in the middle of a line');
    }
  };
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) check(line, true);
        controller.enqueue(chunk);
      },
      flush: () => check(rest + decoder.decode(), false),
    }),
  );
}
