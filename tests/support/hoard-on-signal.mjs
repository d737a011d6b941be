// A test loads this into a worker: at SIGUSR2 the process fills its heap until V8 aborts.
process.on('SIGUSR2', () => {
  for (const hoard = []; ; ) hoard.push(new Array(10_000).fill(hoard.length));
});
