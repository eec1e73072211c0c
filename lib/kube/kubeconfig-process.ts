// Prints how to reach the cluster as one line of JSON: argv is a kubeconfig, or nothing inside a cluster. A process of
// its own because the library takes 90 MB of memory to load and is needed for a second only: docs/adr/0005.
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';

const config = new KubeConfig();
const file = process.argv[2];
if (file === undefined) config.loadFromCluster();
else config.loadFromFile(file);

const cluster = config.getCurrentCluster();
if (cluster === null) throw new Error('there is no current context with a cluster');
if (cluster.proxyUrl !== undefined) throw new Error('proxy-url is not supported');
const options: RequestOptions = {};
await config.applyToHTTPSOptions(options);
const tokenFile = tokenFileOf(config.getCurrentUser()?.authProvider);
const text = (value: unknown) => (Buffer.isBuffer(value) ? value.toString('utf8') : value);
console.log(
  JSON.stringify({
    server: cluster.server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    tokenFile,
    headers: options.headers ?? {},
    auth: options.auth,
    tls: {
      ca: text(options.ca),
      cert: text(options.cert),
      key: text(options.key),
      servername: options.servername,
      rejectUnauthorized: options.rejectUnauthorized,
    },
  }),
);

function tokenFileOf(provider: unknown): string | undefined {
  if (typeof provider !== 'object' || provider === null || !('config' in provider)) return undefined;
  const { config: settings } = provider;
  if (typeof settings !== 'object' || settings === null || !('tokenFile' in settings)) return undefined;
  return typeof settings.tokenFile === 'string' ? settings.tokenFile : undefined;
}
