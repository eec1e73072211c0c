import { createHash } from 'node:crypto';

/** What the scripted server of the fault test answers: by content alone, right about half of the time. */
export function answer(asked: { readonly prompt: string; readonly seed: unknown }): string | null {
  const digest = createHash('sha256')
    .update(`${asked.prompt}|${String(asked.seed)}`)
    .digest();
  const luck = (digest[0] ?? 0) / 256;
  const number = Number(/(\d+)/.exec(asked.prompt)?.[1] ?? 0);
  if (asked.prompt.startsWith('code'))
    return luck < 0.5
      ? `def f(x):\n    return x + 1\n<end>`
      : `def f(x):\n    return x - ${digest[1] ?? 0}\n<end>`;
  if (asked.prompt.startsWith('vote')) return ` ${luck < 0.6 ? number % 4 : (digest[2] ?? 0) % 4}\n`;
  if (asked.prompt.startsWith('generate'))
    return ` the digit is ${luck < 0.5 ? number % 10 : (digest[2] ?? 0) % 10}\n`;
  return null;
}
