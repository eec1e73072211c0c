import { permissionsOf, type ServiceName } from './permissions.ts';

export interface BrokerUser {
  readonly service: ServiceName;
  /** Letters, digits, `_` and `-`. */
  readonly name: string;
  readonly partitions: readonly string[];
  /** As it is, or as its bcrypt hash; or the variable of the broker's environment that holds either. */
  readonly password: string | { readonly variable: string };
}

/** The part of a nats-server's configuration that knows these users, each with the subjects of its service alone. */
export function brokerUsersConfig(users: readonly BrokerUser[]): string {
  return ['authorization {', '  users: [', ...users.flatMap(userLines), '  ]', '}', ''].join('\n');
}

function userLines({ service, name, partitions, password }: BrokerUser): readonly string[] {
  const { publish, subscribe, answers } = permissionsOf(service, name, partitions);
  const secret = typeof password === 'string' ? JSON.stringify(password) : `$${password.variable}`;
  return [
    '    {',
    `      user: ${JSON.stringify(name)}, password: ${secret}`,
    '      permissions: {',
    ...allowed('publish', publish),
    ...allowed('subscribe', subscribe),
    ...(answers ? ['        allow_responses: true'] : []),
    '      }',
    '    }',
  ];
}

function allowed(what: string, subjects: readonly string[]): readonly string[] {
  const lines = subjects.map((subject) => `          ${JSON.stringify(subject)}`);
  return [`        ${what}: { allow: [`, ...lines, '        ] }'];
}
