/** Imports run one way: core ← database, events ← revocation, users ← tokens ← audit, notifications ← auth ← app. */
const layer = (name, allowed) => ({
  name: `${name}-imports`,
  comment: `src/${name} may import only ${allowed.join(', ') || 'itself'}`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: { path: '^src/', pathNot: `^src/(${[name, ...allowed].join('|')})/` },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    layer('core', []),
    layer('database', ['core']),
    layer('events', ['core']),
    layer('throttle', ['core', 'database']),
    layer('revocation', ['core', 'database']),
    layer('users', ['core', 'database']),
    layer('tokens', ['core', 'database', 'events', 'revocation', 'users']),
    layer('audit', ['core', 'database', 'events', 'revocation', 'users', 'tokens']),
    layer('notifications', ['core', 'database', 'events', 'users']),
    layer('auth', [
      'core',
      'database',
      'events',
      'throttle',
      'revocation',
      'users',
      'tokens',
      'audit',
      'notifications',
    ]),
    layer('client', []),
    layer('embedded-mongo', []),
    {
      name: 'app-is-an-adopter',
      comment: 'src/app imports the library as an adopter would: from its entries',
      severity: 'error',
      from: { path: '^src/app/' },
      to: { path: '^src/', pathNot: '^src/(app/|index\\.ts|client/index\\.ts|embedded-mongo/)' },
    },
    {
      name: 'core-is-pure',
      comment:
        'no Nest, no Mongoose, no HTTP in src/core: of packages, only the parsers of user agents, addresses and domains, and the distance of words',
      severity: 'error',
      from: { path: '^src/core/' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-peer'],
        pathNot: 'node_modules/(bowser|ipaddr\\.js|leven|tldts)/',
      },
    },
    {
      name: 'core-is-pure-node',
      comment: 'of Node, src/core uses cryptography only',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'mongoose-in-stores-only',
      comment: 'only schema, store, watch and module files import mongoose',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot:
          '(\\.schema|mongo-[a-z-]+\\.(store|watch)|\\.module)\\.ts$|^src/(database|app|embedded-mongo)/',
      },
      to: { path: 'node_modules/(mongoose|mongodb|@nestjs/mongoose)/' },
    },
    {
      name: 'client-has-no-dependencies',
      comment: 'of packages, only the bindings import one: the framework they bind to',
      severity: 'error',
      from: { path: '^src/client/', pathNot: '^src/client/(react|vue)\\.ts$' },
      to: { pathNot: '^src/client/' },
    },
    {
      name: 'client-bindings',
      severity: 'error',
      from: { path: '^src/client/(react|vue)\\.ts$' },
      to: { pathNot: ['^src/client/', 'node_modules/(@types/)?$1/'] },
    },
    {
      name: 'client-is-for-browsers',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(client|audit/report-page/page|app/pages)/' },
      to: { path: '^src/(client|audit/report-page/page|app/pages)/' },
    },
    {
      name: 'no-development-database-in-the-library',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(app|embedded-mongo)/' },
      to: { path: '^src/(app|embedded-mongo)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
