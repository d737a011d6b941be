// Loaded into each service that `npm start` runs: if `npm start` dies in any way, the service stops too.
if (process.channel) {
  process.channel.unref();
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}
