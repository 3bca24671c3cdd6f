// What `paths` in tsconfig.lib.json gives the compiler for '@kyu/nestjs': the built declarations, as a user of the package has them.
// Pointing `paths` there directly would not do: the Nest CLI would write that relative path into the published files. It does so only
// where it finds a JavaScript or TypeScript file at the path, and here is none ("kyu-nestjs.js" leads the compiler to this file alone).
export * from '../../dist/libs/kyu/index.js';
