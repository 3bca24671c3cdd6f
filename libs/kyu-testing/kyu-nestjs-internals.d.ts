// As kyu-nestjs.d.ts, for '@kyu/nestjs/testing-internals'.
export * from '../../dist/libs/kyu/testing-internals.js';
