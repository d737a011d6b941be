import { Counter, Gauge, type Registry } from 'prom-client';

export type GatewayMetrics = {
  connections: Gauge;
  delivered: Counter;
  replayed: Counter;
  gaps: Counter;
  slowClients: Counter;
};

export function createGatewayMetrics(registry: Registry): GatewayMetrics {
  const registers = [registry];
  return {
    connections: new Gauge({ name: 'nexus_socket_connections', help: 'Sockets connected at present.', registers }),
    delivered: new Counter({ name: 'nexus_stream_events_total', help: 'Events sent to rooms.', registers }),
    replayed: new Counter({
      name: 'nexus_stream_replayed_events_total',
      help: 'Events sent to readers that came late.',
      registers,
    }),
    gaps: new Counter({
      name: 'nexus_stream_gaps_total',
      help: 'Holes in the live events that were filled from the log.',
      registers,
    }),
    slowClients: new Counter({
      name: 'nexus_slow_clients_total',
      help: 'Times a client was taken off live delivery.',
      registers,
    }),
  };
}
