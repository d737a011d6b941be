// Loaded into a worker by a test: at SIGUSR2 it fills its heap until V8 gives up.
process.on('SIGUSR2', () => {
  for (const hoard = []; ; ) hoard.push(new Array(10_000).fill(hoard.length));
});
