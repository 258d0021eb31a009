/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test', '<rootDir>/packages', '<rootDir>/apps'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^nestjs-silent-auth$': '<rootDir>/src/index.ts',
    '^nestjs-silent-auth/(cli|testing|verify)$': '<rootDir>/src/$1/index.ts',
    '^nestjs-silent-auth-client/(axios|proof|react|ssr|vue)$': '<rootDir>/packages/client/src/$1.ts',
    '^nestjs-silent-auth-(client|embedded-mongo)$': '<rootDir>/packages/$1/src/index.ts',
  },
  modulePathIgnorePatterns: ['/dist/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'es6' },
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
        },
      },
    ],
  },
  reporters: ['default', '<rootDir>/test/support/skipped-reporter.js'],
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  // Tests wait for timers, browsers and processes: three workers keep two cores busy.
  maxWorkers: 3,
  workerIdleMemoryLimit: '512MB',
  // Generous: speed is judged by the bench, and a busy machine must fail no test.
  testTimeout: 120_000,
};
