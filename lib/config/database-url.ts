/** Where a PostgreSQL server's database is, and how to show who we are. A secret as a whole. */
export interface DatabaseUrl {
  /** A name, an address, or the folder of a socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  /** `require` encrypts and trusts anyone; `verify-full` checks certificate and name. */
  readonly sslmode: (typeof SSL_MODES)[number];
  /** File with the authorities to trust under `verify-full`; those of the system by default. */
  readonly sslrootcert?: string;
}

const SSL_MODES = ['disable', 'require', 'verify-full'] as const;
const PARAMETERS = ['sslmode', 'sslrootcert'];
const DEFAULT_PORT = 5432;
const FORM = 'must be a URL such as postgres://user:password@host:5432/database';

/** Reads the URL, or says everything that is wrong with it; no words repeat any of its values. */
export function readDatabaseUrl(text: string): DatabaseUrl | readonly string[] {
  const url = /^postgres(ql)?:\/\//.test(text) ? URL.parse(text) : null;
  if (url === null) return [FORM];
  const [host, user, password, database] = [
    url.hostname,
    url.username,
    url.password,
    url.pathname.slice(1),
  ].map(decoded);
  if (host === undefined || user === undefined || password === undefined || database === undefined) {
    return [`${FORM}, with % only before two hexadecimal digits`];
  }
  const { searchParams } = url;
  const sslmode = SSL_MODES.find((mode) => mode === (searchParams.get('sslmode') ?? 'disable'));
  const sslrootcert = searchParams.get('sslrootcert');
  const problems = [
    ...problem(host === '', 'must name a host'),
    ...problem(user === '', 'must name a user'),
    ...problem(database === '' || database.includes('/'), 'must name one database after the host'),
    ...problem(sslmode === undefined, `must have one of ${SSL_MODES.join(', ')} as its sslmode`),
    ...problem(
      sslrootcert !== null && sslmode !== 'verify-full',
      'must have an sslrootcert only under sslmode=verify-full',
    ),
    ...problem(
      [...searchParams.keys()].some((name) => !PARAMETERS.includes(name)),
      `must have no parameters but ${PARAMETERS.join(', ')}`,
    ),
  ];
  if (sslmode === undefined || problems.length > 0) return problems;
  return {
    host: host.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    user,
    ...(password !== '' && { password }),
    database,
    sslmode,
    ...(sslrootcert !== null && { sslrootcert }),
  };
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function problem(wrong: boolean, message: string): readonly string[] {
  return wrong ? [message] : [];
}
