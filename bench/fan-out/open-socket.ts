import { WebSocket } from 'ws';

export type RawSocket = {
  ask(event: string, ...values: unknown[]): Promise<void>;
  send(event: string, ...values: unknown[]): void;
  close(): void;
};

const eventPrefix = Buffer.from('42["invocation:event"');

/**
 * A Socket.IO client that knows just enough of the protocol to be counted with: a thousand real ones in one process would be what is
 * measured. `onEvent` is called for each event, which is not parsed.
 */
export async function openSocket(gatewayUrl: string, onEvent: () => void): Promise<RawSocket> {
  const url = `${gatewayUrl.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`;
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const connected = Promise.withResolvers<void>();
  let answered = Promise.withResolvers<void>();
  socket.on('error', connected.reject);
  socket.on('message', (data: Buffer) => {
    if (data.subarray(0, eventPrefix.length).equals(eventPrefix)) return onEvent();
    const text = data.toString();
    if (text === '2') socket.send('3');
    else if (text.startsWith('0{')) socket.send('40');
    else if (text.startsWith('40')) connected.resolve();
    else if (text.startsWith('43')) {
      if (text.includes('"data"')) answered.resolve();
      else answered.reject(new Error(text));
    }
  });
  await connected.promise;
  return {
    async ask(event, ...values) {
      answered = Promise.withResolvers<void>();
      socket.send(`420${JSON.stringify([event, ...values])}`);
      await answered.promise;
    },
    send: (event, ...values) => socket.send(`42${JSON.stringify([event, ...values])}`),
    close: () => socket.terminate(),
  };
}
