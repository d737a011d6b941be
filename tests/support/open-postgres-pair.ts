import { type FaultyProxy, openProxy } from './open-proxy.ts';
import { openStandby } from './open-standby.ts';
import { openTemplatePostgres, type TemplatePostgres } from './open-template-postgres.ts';

export type PostgresPair = {
  primary: TemplatePostgres;
  /** One address for both servers. New connections go to the primary; open ones stay where they are. */
  proxy: FaultyProxy;
  /** The URL of the same database through the proxy. */
  throughProxy(url: string): string;
  /** Sends new connections to the standby, and breaks all open ones. */
  leadToStandby(): void;
  /** Sends new connections to the primary again. Those to the standby stay. */
  leadBack(): void;
  /** Stops the primary, after it has sent everything, and sends connections to the standby. After the pause the standby is promoted. */
  failOver(pause: () => Promise<unknown>): Promise<void>;
  close(): Promise<void>;
};

const portOf = (url: string) => Number(new URL(url).port);

/** A migrated and seeded Postgres with a hot standby that streams from it, behind one address. */
export async function openPostgresPair(): Promise<PostgresPair> {
  const primary = await openTemplatePostgres();
  const standby = await openStandby(primary).catch(async (error: unknown) => {
    await primary.close();
    throw error;
  });
  const proxy = await openProxy(portOf(primary.url));
  return {
    primary,
    proxy,
    throughProxy(url) {
      const proxied = new URL(url);
      proxied.port = String(proxy.port);
      return proxied.href;
    },
    leadToStandby() {
      proxy.target(portOf(standby.url));
      proxy.cut();
    },
    leadBack: () => proxy.target(portOf(primary.url)),
    async failOver(pause) {
      proxy.target(portOf(standby.url));
      await primary.stop();
      await pause();
      await standby.promote();
    },
    async close() {
      await proxy.close();
      await standby.stop();
      await primary.close();
    },
  };
}
