/** The rest is what libs/kyu/docs/nest-11-and-commonjs.md says, which the test writes beside this file. */
module.exports = {
  ...require('./guide.jest.config.js'),
  rootDir: 'src',
  testRegex: '\\.test\\.ts$',
};
