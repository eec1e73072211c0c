import { readFileSync } from 'node:fs';
import { usernamePasswordAuthenticator, type Authenticator } from 'nats';
import { AssayError } from '../errors.ts';

/** Who connects. The file is read again for each connection, so that a password can be changed while services run. */
export interface Login {
  readonly user: string;
  readonly passwordFile: string;
}

/** Throws INVALID_REQUEST when there is no password now; one that cannot be read later is the one from before. */
export function authenticatorOf({ user, passwordFile }: Login): Authenticator {
  let password = passwordIn(passwordFile);
  const current = () => {
    try {
      password = passwordIn(passwordFile);
    } catch {
      // A secret that is being replaced is away for a moment.
    }
    return password;
  };
  return usernamePasswordAuthenticator(user, current);
}

/** Below it a user's answers arrive. Others must not be let listen there. */
export function inboxPrefixOf(user: string): string {
  return `_INBOX_${user}`;
}

function passwordIn(file: string): string {
  let password: string;
  try {
    password = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new AssayError('INVALID_REQUEST', `the broker's password cannot be read from ${file}`, { cause });
  }
  if (password !== '') return password;
  throw new AssayError('INVALID_REQUEST', `${file} holds no password for the broker`);
}
