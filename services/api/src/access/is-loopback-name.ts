/** Whether a host's name or address stands for this machine, as a browser on it would see it. */
export function isLoopbackName(host: string | undefined): boolean {
  const name = (host ?? '').toLowerCase().replace(/^\[|\]$/g, '');
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127\.\d+\.\d+\.\d+$/.test(name);
}
