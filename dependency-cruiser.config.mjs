// The arrows between rooms, as docs/architecture.md draws them. `npm run check` fails where an import goes against one.

/** The rooms of packages/common, lowest first: a room imports from itself and from the rooms before it. */
const rooms = [
  'timing',
  'errors',
  'config',
  'logging',
  'tracing',
  'postgres',
  'redis',
  'process',
  'secrets',
  'guard',
  'principals',
  'events',
  'feeds',
  'queue',
  'providers',
  'connections',
  'invocations',
];

/** Rooms that come later in the list and yet must not be imported: neither of them knows the other. */
const strangers = { queue: ['events', 'feeds'], invocations: ['feeds'] };

const roomRules = rooms.flatMap((room, index) => {
  const forbidden = [...rooms.slice(index + 1), ...(strangers[room] ?? [])];
  if (forbidden.length === 0) return [];
  return {
    name: `common/${room}`,
    comment: `${room} imports only from rooms below it`,
    severity: 'error',
    from: { path: `^packages/common/src/${room}/` },
    to: { path: `^packages/common/src/(${forbidden.join('|')})/` },
  };
});

const services = ['api', 'worker', 'gateway'];
const serviceRules = services.map((service) => ({
  name: `services/${service}`,
  comment: 'A service never imports another',
  severity: 'error',
  from: { path: `^services/${service}/` },
  to: { path: `^services/(?!${service}/)` },
}));

export default {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'protocol-runs-in-a-browser',
      severity: 'error',
      from: { path: '^packages/protocol/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: '^packages/protocol/' },
    },
    {
      name: 'common-knows-protocol-only',
      severity: 'error',
      from: { path: '^packages/common/' },
      to: { path: '^(services|packages/(?!common|protocol))' },
    },
    ...roomRules,
    ...serviceRules,
    {
      name: 'providers-do-not-know-each-other',
      severity: 'error',
      from: { path: '^services/worker/src/providers/(openai|gemini|ollama|echo)/' },
      to: {
        path: '^services/worker/src/providers/(openai|gemini|ollama|echo)/',
        pathNot: '^services/worker/src/providers/$1/',
      },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/generated/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
};
