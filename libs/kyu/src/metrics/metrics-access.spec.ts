import { isPrivateAddress } from './metrics-access.js';

describe('isPrivateAddress', () => {
  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '::ffff:127.0.0.1',
    '10.42.0.7',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.5',
    '169.254.1.1',
    '100.64.0.1',
    '::ffff:10.0.0.9',
    'fd12:3456::1',
    'fe80::1%eth0',
  ])('knows %s', (address) => {
    expect(isPrivateAddress(address)).toBe(true);
  });

  it.each([
    '8.8.8.8',
    '172.15.255.255',
    '172.32.0.1',
    '192.169.0.1',
    '100.128.0.1',
    '203.0.113.7',
    '::ffff:203.0.113.7',
    '::ffff:cb00:7107',
    '2001:db8::1',
    '::',
    '0.0.0.0',
    'localhost',
    '',
    undefined,
  ])('does not take %s for one', (address) => {
    expect(isPrivateAddress(address)).toBe(false);
  });
});
