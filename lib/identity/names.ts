/** The namespace of a service account's user name; null for anybody else's. */
export function namespaceOf(user: string): string | null {
  return /^system:serviceaccount:([a-z0-9-]+):[a-z0-9.-]+$/.exec(user)?.[1] ?? null;
}

/** What a namespace can be called. */
export function isNamespace(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text);
}

/** A name that Kubernetes alone gives: whoever could choose one could be anybody. */
export function isReserved(name: string): boolean {
  return name.startsWith('system:');
}

/** The group of everybody who is known, which the API server adds to what an issuer says. */
export const AUTHENTICATED = 'system:authenticated';
