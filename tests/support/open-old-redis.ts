import { type AddressInfo, createServer } from 'node:net';

/** As much of an older Redis as it takes to be asked for its version: the handshake, INFO, and OK to everything else. */
export async function openOldRedis(version: string): Promise<{ url: string; close(): Promise<void> }> {
  const info = `# Server\r\nredis_version:${version}\r\nredis_mode:standalone\r\n`;
  const hello = version.startsWith('5.')
    ? '-ERR unknown command `hello`, with args beginning with: `3`, \r\n'
    : '%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n';
  const answer = (command: string) => {
    if (command === 'hello') return hello;
    return command === 'info' ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n';
  };
  const server = createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk;
      for (let command = takeCommand(); command; command = takeCommand()) socket.write(answer(command));
    });
    /** The name of the first whole command, which is taken off the text. */
    function takeCommand(): string | null {
      const count = /^\*(\d+)\r\n/.exec(text)?.[1];
      const whole = count && new RegExp(`^\\*\\d+\\r\\n(?:\\$\\d+\\r\\n[^\\r]*\\r\\n){${count}}`).exec(text)?.[0];
      if (!whole) return null;
      text = text.slice(whole.length);
      return whole.split('\r\n')[2]?.toLowerCase() ?? null;
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
