// As kyu-nestjs.d.ts, for '@kyu/embedded'.
export * from '../../dist/libs/kyu-embedded/index.js';
