import { Float } from '../pylang/index.ts';
import type { YamlScalar } from './node.ts';

const NULL = /^(?:~|null|Null|NULL|)$/;
const TRUE = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const INTEGER =
  /^[-+]?(?:0b[0-1_]+|0[0-7_]+|(?:0|[1-9][0-9_]*)|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)$/;
const FLOAT =
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

/**
 * The value of a plain scalar by the rules of PyYAML's implicit resolver (YAML 1.1: `yes` and `off` are booleans,
 * `017` is octal, `1e-3` is text). Dates stay text.
 */
export function resolvePlain(text: string): YamlScalar['value'] {
  if (NULL.test(text)) return null;
  if (TRUE.test(text)) return true;
  if (FALSE.test(text)) return false;
  if (INTEGER.test(text)) return integerOf(text);
  return FLOAT.test(text) ? new Float(floatOf(text)) : text;
}

function integerOf(text: string): number | bigint {
  const digits = text.replaceAll('_', '').replace(/^[-+]/, '');
  const value = digits.includes(':') ? sexagesimal(digits) : BigInt(withPrefix(digits));
  const signed = text.startsWith('-') ? -value : value;
  const number = Number(signed);
  return Number.isSafeInteger(number) ? number : signed;
}

function withPrefix(digits: string): string {
  return /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
}

function sexagesimal(digits: string): bigint {
  return digits.split(':').reduce((total, part) => total * 60n + BigInt(part), 0n);
}

function floatOf(text: string): number {
  const plain = text.replaceAll('_', '').toLowerCase().replace(/^[-+]/, '');
  const sign = text.startsWith('-') ? -1 : 1;
  if (plain === '.inf') return sign * Infinity;
  if (plain === '.nan') return Number.NaN;
  return sign * plain.split(':').reduce((total, part) => total * 60 + Number(part), 0);
}
