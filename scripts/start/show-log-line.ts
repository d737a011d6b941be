import { styleText } from 'node:util';

type LogLine = { level: number; time: number; msg: string; [field: string]: unknown };

const levels: Record<number, { name: string; style: Parameters<typeof styleText>[0] }> = {
  10: { name: 'trace', style: 'gray' },
  20: { name: 'debug', style: 'gray' },
  30: { name: 'info', style: 'green' },
  40: { name: 'warn', style: 'yellow' },
  50: { name: 'error', style: 'red' },
  60: { name: 'fatal', style: 'red' },
};
const dull = new Set(['level', 'time', 'msg', 'name', 'pid', 'hostname']);

/** Formats a JSON log line for people. Other text stays as it is. */
export function showLogLine(text: string): { level: number; shown: string } {
  const line = parse(text);
  if (!line) return { level: 40, shown: text };
  const { name, style } = levels[line.level] ?? { name: String(line.level), style: 'white' };
  const fields = Object.entries(line)
    .filter(([field]) => !dull.has(field))
    .map(([field, value]) => `${field}=${summarise(value)}`);
  const time = new Date(line.time).toTimeString().slice(0, 8);
  return {
    level: line.level,
    shown: [time, styleText(style, name), line.msg, styleText('gray', fields.join(' '))].join(' ').trimEnd(),
  };
}

function parse(text: string): LogLine | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'level' in value ? (value as LogLine) : null;
  } catch {
    return null;
  }
}

/** On a terminal an error's code and message are enough. The JSON log has its stack. */
function summarise(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { code, detail, message } = value as { code?: unknown; detail?: unknown; message?: unknown };
  return code !== undefined || message !== undefined
    ? [code, detail ?? message].filter(Boolean).join(': ')
    : JSON.stringify(value);
}
