import type { Namespace } from 'socket.io';

type PacketOptions = { wsPreEncodedFrame?: Buffer[] };
type Encoder = { _encode?: (packet: unknown, options: PacketOptions) => unknown[] };

/**
 * Socket.IO encodes a broadcast's frame once for the whole room, as head and body. This joins the two: one piece needs one plain write per socket.
 * If the adapter encodes in another way, nothing changes.
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
