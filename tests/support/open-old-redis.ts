import { type AddressInfo, createServer } from 'node:net';

/** A fake of an old Redis that can be asked for its version: the handshake, INFO, and OK to every other command. */
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
    /** Removes the first whole command from the text, and returns its name. */
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
