const swc = [
  '@swc/jest',
  {
    jsc: {
      target: 'es2023',
      parser: { syntax: 'typescript', decorators: true },
      transform: {
        legacyDecorator: true,
        decoratorMetadata: true,
        useDefineForClassFields: false,
      },
      keepClassNames: true,
    },
    module: { type: 'es6' },
    sourceMaps: 'inline',
  },
];

/** @type {import('jest').Config} */
export default {
  rootDir: '.',
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': swc },
  moduleNameMapper: {
    '^@kyu/nestjs$': '<rootDir>/libs/kyu/src/index.ts',
    '^@kyu/nestjs/terminus$': '<rootDir>/libs/kyu/src/terminus.ts',
    '^@kyu/nestjs/testing-internals$':
      '<rootDir>/libs/kyu/src/testing-internals.ts',
    '^@kyu/testing$': '<rootDir>/libs/kyu-testing/src/index.ts',
    // The servers' keeper runs in a process of its own, so it has to be JavaScript: the built library.
    '^@kyu/embedded$': '<rootDir>/dist/libs/kyu-embedded/index.js',
    // It starts a thread, which needs JavaScript in a file.
    '^\\./start-heartbeat-loop\\.js$':
      '<rootDir>/test/support/start-heartbeat-loop.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: [
    '<rootDir>/dist/apps',
    '<rootDir>/apps/bench/(dist|node_modules)',
    '<rootDir>/test/packages/compilers/(dist|node_modules)',
    // The built packages have the names of those in libs/.
    '<rootDir>/dist/libs/.*/package\\.json',
  ],
  // Pure specs stand beside their file; what needs servers is in test/ and says in its suffix which.
  testRegex: '\\.(spec|e2e-spec)\\.ts$',
  testTimeout: 30_000,
  // Most of a test's time is waiting for servers.
  maxWorkers: 2,
  globalSetup: './test/setup/global-setup.mjs',
  globalTeardown: './test/setup/global-teardown.mjs',
};
