/** For a container's health check: exits 0 when the service on this port says that it is ready, 1 otherwise. */
const port = process.argv[2];
const ready = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(4_000) }).then(
  ({ ok }) => ok,
  () => false,
);
process.exit(ready ? 0 : 1);
