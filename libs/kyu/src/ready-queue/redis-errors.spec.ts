import { isLackOfRights, needsNewConnection } from './redis-errors.js';

const reply = (message: string): Error =>
  Object.assign(new Error(message), { name: 'ReplyError' });

describe('what Redis refuses', () => {
  it.each([
    'NOPERM No permissions to access a key',
    "NOPERM User old has no permissions to run the 'get' command script: x, on @user_script:3.",
    "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments script: x, on @user_script:3.",
    "ERR Error running script (call to f_1): @user_script:3: The user executing the script can't run this command or subcommand",
  ])('for want of a right: %s', (message) => {
    expect(isLackOfRights(reply(message))).toBe(true);
    expect(needsNewConnection(reply(message))).toBe(false);
    expect(isLackOfRights(new Error(message))).toBe(false); // not said by the server
  });

  it.each([
    "OOM command not allowed when used memory > 'maxmemory'. script: x, on @user_script:4.",
    'MISCONF Redis is configured to save RDB snapshots',
    'BUSY Redis is busy running a script.',
    "READONLY You can't write against a read only replica.",
    'LOADING Redis is loading the dataset in memory',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'NOREPLICAS Not enough good replicas to write.',
    'NOAUTH Authentication required.',
    'CLUSTERDOWN The cluster is down',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
  ])('for another reason: %s', (message) => {
    expect(isLackOfRights(reply(message))).toBe(false);
  });
});
