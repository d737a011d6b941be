import { type FaultyProxy, openProxy } from './open-proxy.ts';
import { openStandby } from './open-standby.ts';
import { openTemplatePostgres, type TemplatePostgres } from './open-template-postgres.ts';

export type PostgresPair = {
  primary: TemplatePostgres;
  /** One address for both, which leads new connections to the primary. Those that are there stay where they are. */
  proxy: FaultyProxy;
  /** The same database by that address. */
  throughProxy(url: string): string;
  /** The address leads to the standby, and all connections are broken. */
  leadToStandby(): void;
  /** New connections go to the primary; those to the standby stay there. */
  leadBack(): void;
  /** The primary stops, having sent all that it has, and the address leads to the standby. After the pause this becomes a primary. */
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
