import { freePort, PortTakenError, withPort } from './free-port.js';

describe('withPort', () => {
  const taken = (): Promise<never> =>
    Promise.reject(new PortTakenError('taken'));

  it('tries another port if the race for a free one is lost', async () => {
    const tried: number[] = [];
    const port = await withPort(undefined, (p) => {
      tried.push(p);
      return tried.length < 3 ? taken() : Promise.resolve(p);
    });
    expect(tried).toHaveLength(3);
    expect(port).toBe(tried[2]);
  });

  it('gives up after a few', async () => {
    let times = 0;
    const start = (): Promise<never> => {
      times++;
      return taken();
    };
    await expect(withPort(undefined, start)).rejects.toThrow(PortTakenError);
    expect(times).toBe(5);
  });

  it('does not swap a port that was asked for', async () => {
    const tried: number[] = [];
    const start = (p: number): Promise<never> => {
      tried.push(p);
      return taken();
    };
    await expect(withPort(4711, start)).rejects.toThrow(PortTakenError);
    expect(tried).toEqual([4711]);
  });

  it('does not repeat what failed for another reason', async () => {
    let times = 0;
    const start = (): Promise<never> => {
      times++;
      return Promise.reject(new Error('broken'));
    };
    await expect(withPort(undefined, start)).rejects.toThrow('broken');
    expect(times).toBe(1);
  });
});

describe('freePort', () => {
  it('is a port', async () => {
    expect(await freePort()).toBeGreaterThan(1023);
  });
});
