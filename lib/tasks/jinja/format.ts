import { PyError, pyRepr, pyStr, type PyValue } from '../pylang/index.ts';
import type { Given } from './arguments.ts';
import { getAttribute, getItem } from './access.ts';
import { plain, type Value } from './value.ts';

const FIELD = /\{\{|\}\}|\{([^{}!:]*)(?:!([^{}:]*))?(:[^{}]*)?\}|[{}]/g;

/** `str.format` with `{}`, `{0}`, `{name}`, `.attribute`, `[item]`, `!s` and `!r`; format specifications are Unsupported. */
export function formatText(self: string, given: Given): string {
  let next = 0;
  return self.replace(FIELD, (all, field?: string, conversion?: string, spec?: string) => {
    if (all === '{{' || all === '}}') return all.charAt(0);
    if (field === undefined) throw new PyError('ValueError', `Single '${all}' encountered in format string`);
    if (spec !== undefined && spec !== ':')
      throw new PyError('Unsupported', `the format specification '${spec}'`);
    const [, name = '', path = ''] = /^([^.[]*)([^]*)$/.exec(field) ?? [];
    const value = plain(follow(argument(given, name === '' ? String(next++) : name), path));
    return conversion === 'r' ? pyRepr(value) : pyStr(value);
  });
}

function argument(given: Given, name: string): Value {
  if (/^[0-9]+$/.test(name)) {
    const value = given.positional[Number(name)];
    if (value !== undefined) return value;
    throw new PyError('IndexError', `Replacement index ${name} out of range for positional args tuple`);
  }
  const value = given.named.get(name);
  if (value === undefined) throw new PyError('KeyError', pyRepr(name));
  return value;
}

function follow(value: Value, path: string): Value {
  let result = value;
  for (const [, attribute, item = ''] of path.matchAll(/\.([^.[]+)|\[([^\]]*)\]/g)) {
    const key: PyValue = /^[0-9]+$/.test(item) ? Number(item) : item;
    result = attribute === undefined ? getItem(result, key) : getAttribute(result, attribute);
  }
  return result;
}
