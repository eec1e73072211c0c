import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The root of the checkout, or of wherever the package lies. */
export const HOME = path.join(import.meta.dirname, '..');

/** Where local state lives: named, else `.assay/` in a checkout, else under `$XDG_STATE_HOME`. */
export function stateFolder(named: string | undefined, env: NodeJS.ProcessEnv): string {
  const chosen = named ?? env['ASSAY_STATE'];
  if (chosen !== undefined && chosen !== '') return path.resolve(chosen);
  if (isCheckout(HOME)) return path.join(HOME, '.assay');
  const base = env['XDG_STATE_HOME'] ?? path.join(env['HOME'] ?? '/', '.local/state');
  return path.join(base, 'assay');
}

function isCheckout(folder: string): boolean {
  const file = path.join(folder, 'package.json');
  if (!existsSync(file) || !existsSync(path.join(folder, '.git'))) return false;
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof value === 'object' && value !== null && 'name' in value && value.name === 'assay';
}
