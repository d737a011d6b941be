// Loaded into each service that `npm start` runs: when the starter is gone, however it went, the service stops too.
if (process.channel) {
  process.channel.unref();
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}
