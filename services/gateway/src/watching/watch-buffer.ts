/** The part of a Socket.IO connection that shows how far its client is behind. Long polling has no `socket`. */
export type BufferedConnection = {
  writeBuffer: readonly { data?: unknown }[];
  transport: { socket?: { bufferedAmount: number } };
};

export type BufferLimits = { packets: number; bytes: number };

/**
 * Whether too much waits for a client. Data waits in two places: the engine gives the WebSocket everything that it has, and keeps what comes later
 * until that is sent.
 */
export function isBehind(connection: BufferedConnection, { packets, bytes }: BufferLimits): boolean {
  const { writeBuffer } = connection;
  if (writeBuffer.length > packets) return true;
  let waiting = inSocket(connection);
  for (const { data } of writeBuffer) {
    if (waiting > bytes) return true;
    waiting += typeof data === 'string' || Buffer.isBuffer(data) ? data.length : 0;
  }
  return waiting > bytes;
}

export function isDrained(connection: BufferedConnection): boolean {
  return connection.writeBuffer.length === 0 && inSocket(connection) === 0;
}

function inSocket({ transport }: BufferedConnection): number {
  return transport.socket?.bufferedAmount ?? 0;
}
