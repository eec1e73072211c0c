// Prints the part of a nats-server's configuration that knows a user for each service, with its subjects alone:
//   node scripts/nats-users.ts [partition …] > users.conf
// The broker reads each password, or its bcrypt hash, from its environment: ASSAY_NATS_PASSWORD_RUNNER and so on.
import { brokerUsersConfig, SERVICE_NAMES } from '@assay/lib/bus';

const partitions = process.argv.length > 2 ? process.argv.slice(2) : ['p0'];
const users = SERVICE_NAMES.map((service) => ({
  service,
  name: service,
  partitions,
  password: { variable: `ASSAY_NATS_PASSWORD_${service.toUpperCase()}` },
}));
process.stdout.write(brokerUsersConfig(users));
