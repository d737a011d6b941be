import { Counter, Gauge, type Registry } from 'prom-client';

export type GatewayMetrics = {
  connections: Gauge;
  delivered: Counter;
  slowClients: Counter;
};

/** The metrics that only the gateway has. */
export function createGatewayMetrics(registry: Registry): GatewayMetrics {
  const registers = [registry];
  return {
    connections: new Gauge({ name: 'nexus_socket_connections', help: 'Sockets connected at present.', registers }),
    delivered: new Counter({ name: 'nexus_events_delivered_total', help: 'Events sent to rooms.', registers }),
    slowClients: new Counter({
      name: 'nexus_slow_clients_total',
      help: 'Times a client was taken off live delivery.',
      registers,
    }),
  };
}
