/** The part of a Socket.IO connection that tells how far its client is behind. */
export type BufferedConnection = { writeBuffer: readonly { data?: unknown }[] };

export type BufferLimits = { packets: number; bytes: number };

/**
 * Whether more waits for a client than may. The engine's own buffer counts: the socket's `bufferedAmount` stays small, however little
 * the client reads.
 */
export function isBehind({ writeBuffer }: BufferedConnection, { packets, bytes }: BufferLimits): boolean {
  if (writeBuffer.length > packets) return true;
  let waiting = 0;
  for (const { data } of writeBuffer) {
    waiting += typeof data === 'string' || Buffer.isBuffer(data) ? data.length : 0;
    if (waiting > bytes) return true;
  }
  return false;
}

export function isDrained({ writeBuffer }: BufferedConnection): boolean {
  return writeBuffer.length === 0;
}
