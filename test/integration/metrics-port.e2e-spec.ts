import { createServer, type AddressInfo } from 'node:net';
import { KyuModule } from '@kyu/nestjs';
import { bootApp, newGround } from '../support/boot-app.js';

describe('metricsPort', () => {
  async function takenPort(): Promise<[number, () => void]> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, resolve);
    });
    const { port } = server.address() as AddressInfo;
    return [port, () => server.close()];
  }
  const boot = async (metricsPort: number) => {
    const ground = newGround();
    await bootApp({
      imports: [KyuModule.forRoot(ground.options({ metricsPort }))],
    });
    return ground.logger.messages('warn');
  };

  it('serves the page by itself, and nothing else', async () => {
    const [port, free] = await takenPort();
    free();
    expect(await boot(port)).toEqual([]);
    const at = `http://127.0.0.1:${port}`;
    const page = await fetch(`${at}/metrics?x=1`);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('kyu_queue_depth 0');
    expect((await fetch(`${at}/`)).status).toBe(404);
    expect((await fetch(`${at}/metrics`, { method: 'POST' })).status).toBe(404);
  });

  it('that is taken costs a warning with the fix, not the boot', async () => {
    const [port, free] = await takenPort();
    try {
      expect(await boot(port)).toEqual([
        expect.stringMatching(
          new RegExp(`No metrics on port ${port}.*another metricsPort, or 0`),
        ),
      ]);
    } finally {
      free();
    }
  });

  it('0 means none', async () => {
    const listening = (): number =>
      process
        .getActiveResourcesInfo()
        .filter((kind) => kind === 'TCPServerWrap').length;
    const before = listening();
    expect(await boot(0)).toEqual([]);
    expect(listening()).toBe(before);
  });
});
