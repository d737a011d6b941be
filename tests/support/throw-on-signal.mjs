// Loaded into a worker by a test: at SIGUSR2 something throws that nobody catches.
process.on('SIGUSR2', () => {
  throw new Error('poison');
});
