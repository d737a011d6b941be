// A test loads this into a worker: at SIGUSR2 the process throws an error that no code catches.
process.on('SIGUSR2', () => {
  throw new Error('poison');
});
