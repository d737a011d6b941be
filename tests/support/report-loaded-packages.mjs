import { registerHooks } from 'node:module';

/** Preloaded into a service: says on stderr which of OpenTelemetry's packages it loads. */
registerHooks({
  load(url, context, nextLoad) {
    const name = /node_modules\/(@opentelemetry\/[^/]+)/.exec(url)?.[1];
    if (name) process.stderr.write(`loaded ${name}\n`);
    return nextLoad(url, context);
  },
});
