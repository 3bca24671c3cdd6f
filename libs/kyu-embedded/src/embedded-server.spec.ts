import {
  startEmbeddedPostgres,
  startEmbeddedRedis,
} from './embedded-server.js';

/** Refused before anything is started. */
describe('options of embedded servers', () => {
  it.each([0, 1.5, 65_536, Number.NaN])('port %s', async (port) => {
    const message = `expected "port" to be a whole number from 1 to 65535, got: ${port}`;
    await expect(startEmbeddedPostgres({ port })).rejects.toThrow(message);
    await expect(startEmbeddedRedis({ port })).rejects.toThrow(message);
  });

  it('settings that are none', async () => {
    await expect(
      startEmbeddedPostgres({ settings: { port: '5433' } }),
    ).rejects.toThrow('expected the port in "port", not in "settings"');
    await expect(
      startEmbeddedPostgres({ settings: { '-c fsync': 'on' } }),
    ).rejects.toThrow('got: "-c fsync"');
  });
});
