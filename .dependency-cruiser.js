// The import rules of docs/architecture.md. Each rule names itself in the output, with what to do instead.
const service = '^services/([^/]+)/';
const stageFolders =
  '^services/(?:scheduler/(?:submit|place|run)|runner/(?:prepare|generate|check)|sandbox/(?:execute|score)|reporter/(?:aggregate|report))/';
const sdk = (name, homes) => ({
  name: `one-home-for-${name.replaceAll(/[@/]/g, '')}`,
  comment: `${name} is imported in its one home only; everyone else uses that home's words`,
  severity: 'error',
  from: { pathNot: [...homes, '\\.test\\.ts$', '^test/'] },
  to: { path: `node_modules/${name}/` },
});

export default {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'services-apart',
      comment: 'services meet in proto/ messages, over RPC or the bus',
      severity: 'error',
      from: { path: service },
      to: { path: service, pathNot: '^services/$1/' },
    },
    {
      name: 'stages-are-pure',
      comment: 'a stage imports stages of its service, ports.ts, domain, tasks, errors and types',
      severity: 'error',
      from: { path: stageFolders, pathNot: '\\.test\\.ts$' },
      to: {
        dependencyTypesNot: ['type-only', 'core'],
        pathNot: [stageFolders, '^services/[^/]+/ports\\.ts$', '^lib/(domain|tasks)/', '^lib/errors\\.ts$'],
      },
    },
    {
      name: 'stages-do-no-io',
      severity: 'error',
      from: { path: stageFolders, pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|path|buffer|util)$' },
    },
    {
      name: 'adapters-are-wired-in-main',
      severity: 'error',
      from: {
        path: '^services/',
        pathNot: ['^services/[^/]+/(main|adapters/.*)\\.ts$', '^services/[^/]+/adapters/', '\\.test\\.ts$'],
      },
      to: { path: '^services/[^/]+/adapters/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'lib-stands-alone',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(services|cli|test|demo|scripts)/' },
    },
    {
      name: 'domain-imports-nothing',
      severity: 'error',
      from: { path: '^lib/domain/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: '^lib/domain/' },
    },
    sdk('nats', ['^lib/(bus|blob)/']),
    sdk('@grpc/', ['^lib/rpc/', '^proto/']),
    sdk('prom-client', ['^lib/metrics']),
    sdk('pino', ['^lib/log']),
    sdk('drizzle-orm', ['^services/reporter/adapters/']),
    sdk('@electric-sql/pglite', ['^services/reporter/adapters/']),
    sdk('pg', ['^services/reporter/adapters/']),
    sdk('@kubernetes/client-node', ['^lib/kube/']),
    sdk('jose', ['^lib/identity/']),
    sdk('undici', ['^services/runner/adapters/']),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['\\.d\\.mts$', 'node_modules/.*/node_modules', '^proto/gen/', '\\.assay/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
    parser: 'swc',
  },
};
