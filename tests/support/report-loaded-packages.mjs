import { registerHooks } from 'node:module';

/** A test preloads this into a service. It writes to stderr which of OpenTelemetry's packages the service loads. */
registerHooks({
  load(url, context, nextLoad) {
    const name = /node_modules\/(@opentelemetry\/[^/]+)/.exec(url)?.[1];
    if (name) process.stderr.write(`loaded ${name}\n`);
    return nextLoad(url, context);
  },
});
