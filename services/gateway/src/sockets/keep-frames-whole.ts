import type { Namespace } from 'socket.io';

type PacketOptions = { wsPreEncodedFrame?: Buffer[] };
type Encoder = { _encode?: (packet: unknown, options: PacketOptions) => unknown[] };

/**
 * Keeps the frame of a broadcast, which Socket.IO encodes once for the whole room, in one piece instead of head and body: what goes to a
 * socket in one piece takes one plain write. Where the adapter does not encode that way, it goes on as it did.
 */
export function keepFramesWhole({ adapter }: Pick<Namespace, 'adapter'>): void {
  const encoder = adapter as unknown as Encoder;
  const encode = encoder._encode?.bind(adapter);
  if (!encode) return;
  encoder._encode = (packet, options) => {
    const encoded = encode(packet, options);
    const frame = options.wsPreEncodedFrame;
    if (frame && frame.length > 1) options.wsPreEncodedFrame = [Buffer.concat(frame)];
    return encoded;
  };
}
