/**
 * Imports run one way: each floor may import from the floors below it, never from beside or above.
 * The folders of one floor do not know each other.
 */
const FLOORS = [
  ['core'],
  ['options'],
  ['database', 'events'],
  ['throttle', 'users', 'revocation'],
  ['risk'],
  ['tokens'],
  ['audit', 'notifications'],
  ['http'],
  ['doctor', 'verify'],
  ['auth'],
  ['openapi'],
  ['testing', 'cli'],
];

/** The same of the service. Its entry, `main.ts`, stands above all. */
const SERVICE_FLOORS = [
  ['common'],
  ['mail'],
  ['config'],
  ['storage', 'metrics'],
  ['cli', 'web'],
  ['demo', 'keys'],
  ['app'],
  ['doctor'],
];

function floorRules(root, floors) {
  return floors.flatMap((floor, index) =>
    floor.map((name) => {
      const allowed = [name, ...floors.slice(0, index).flat()];
      return {
        name: `${root.replaceAll('/', '-')}-${name}-imports`,
        comment: `${root}/${name} may import only ${allowed.join(', ')}`,
        severity: 'error',
        from: { path: `^${root}/${name}/` },
        to: { path: `^${root}/`, pathNot: `^${root}/(${allowed.join('|')})/` },
      };
    }),
  );
}

/** Files that are pure although their folder is not: no Nest, no database, no clock of their own. */
const PURE = '^src/(core|options)/|^src/doctor/checks/|^src/audit/report/html/(?!browser)';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-circular-folders',
      comment: 'a folder that imports from another is not imported by it, also not by way of a third',
      severity: 'error',
      scope: 'folder',
      from: {},
      to: { circular: true },
    },
    ...floorRules('src', FLOORS),
    ...floorRules('apps/service/src', SERVICE_FLOORS),
    {
      name: 'the-library-stands-alone',
      comment: 'src/ knows neither the service nor the other packages',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(apps|packages)/|^nestjs-silent-auth' },
    },
    {
      name: 'the-packages-stand-alone',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^(src|apps|packages)/', pathNot: '^packages/$1/' },
    },
    {
      name: 'the-service-is-an-adopter',
      comment: 'the service imports the library as an adopter does: by its name, from its entries',
      severity: 'error',
      from: { path: '^apps/service/src/' },
      to: {
        path: '^(src|packages)/',
        pathNot: '^(src/index\\.ts|src/cli/index\\.ts|packages/embedded-mongo/src/index\\.ts)$',
      },
    },
    {
      name: 'pure-files-need-no-framework',
      comment:
        'no Nest, no Mongoose, no HTTP: of packages, only parsers of user agents, addresses and domains, the distance of words, the list of words, and the rules of class-validator',
      severity: 'error',
      from: { path: PURE },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-peer'],
        pathNot: 'node_modules/(bowser|class-validator|ipaddr\\.js|fastest-levenshtein|tldts|@zxcvbn-ts)/',
      },
    },
    {
      name: 'pure-files-need-cryptography-only',
      comment: 'of Node, pure files use cryptography, the test for an address, and the form of a domain',
      severity: 'error',
      from: { path: PURE },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|net|url)$' },
    },
    {
      name: 'mongoose-in-stores-only',
      comment: 'only schema, store, list, row, watch, migration and module files import mongoose',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot:
          '(\\.schema|mongo-[a-z-]+\\.(store|list|watch|row|migration)|\\.module)\\.ts$|^src/(database|testing|cli)/',
      },
      to: { path: 'node_modules/(mongoose|mongodb|@nestjs/mongoose)/' },
    },
    {
      name: 'the-client-has-no-dependencies',
      comment: 'of packages, only the bindings import one: the framework they bind to',
      severity: 'error',
      from: { path: '^packages/client/src/', pathNot: '^packages/client/src/(react|vue)\\.ts$' },
      to: { pathNot: '^packages/client/src/' },
    },
    {
      name: 'client-bindings',
      severity: 'error',
      from: { path: '^packages/client/src/(react|vue)\\.ts$' },
      to: { pathNot: ['^packages/client/src/', 'node_modules/(@types/)?$1/'] },
    },
    {
      name: 'browser-code-stays-in-the-browser',
      severity: 'error',
      from: { path: '^(src|apps/service/src)/', pathNot: '^src/audit/report/html/browser/' },
      to: { path: '^(packages/client|apps/service/pages|src/audit/report/html/browser)/' },
    },
    {
      name: 'the-development-database-needs-bson-only',
      severity: 'error',
      from: { path: '^packages/embedded-mongo/src/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-peer'], pathNot: 'node_modules/(mongodb|bson)/' },
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
