import { Logger } from '@nestjs/common';
import { KyuEvents } from './kyu-events.js';

const PROMOTED = { count: 3 };

/** What is logged as an error, through Nest's logger. */
let logged: string[];
beforeEach(() => {
  logged = [];
  Logger.overrideLogger({
    log: () => undefined,
    warn: () => undefined,
    error: (message: unknown) => logged.push(String(message)),
  });
});
afterAll(() => Logger.overrideLogger(false));

describe('KyuEvents', () => {
  it('calls all listeners of the event with its data, in order', () => {
    const events = new KyuEvents();
    const seen: unknown[] = [];
    events.on('jobs.promoted', (data) => seen.push(['first', data]));
    events.on('jobs.promoted', (data) => seen.push(['second', data]));
    events.on('jobs.refilled', (data) => seen.push(['other', data]));
    events.emit('jobs.promoted', PROMOTED);
    expect(seen).toEqual([
      ['first', PROMOTED],
      ['second', PROMOTED],
    ]);
  });

  it('calls before emit() returns', () => {
    const events = new KyuEvents();
    let called = false;
    events.on('jobs.promoted', () => (called = true));
    events.emit('jobs.promoted', PROMOTED);
    expect(called).toBe(true);
  });

  it('emits an event that nobody listens to', () => {
    expect(() => new KyuEvents().emit('jobs.promoted', PROMOTED)).not.toThrow();
  });

  it('stops calling once unsubscribed; to do that twice harms nobody', () => {
    const events = new KyuEvents();
    let calls = 0;
    let others = 0;
    const stop = events.on('jobs.promoted', () => calls++);
    events.on('jobs.promoted', () => others++);
    events.emit('jobs.promoted', PROMOTED);
    stop();
    stop();
    events.emit('jobs.promoted', PROMOTED);
    expect([calls, others]).toEqual([1, 2]);
  });

  it('lets a listener unsubscribe itself while it is called', () => {
    const events = new KyuEvents();
    const seen: string[] = [];
    const stop = events.on('jobs.promoted', () => {
      seen.push('once');
      stop();
    });
    events.on('jobs.promoted', () => seen.push('always'));
    events.emit('jobs.promoted', PROMOTED);
    events.emit('jobs.promoted', PROMOTED);
    expect(seen).toEqual(['once', 'always', 'always']);
  });

  it('lets a listener emit', () => {
    const events = new KyuEvents();
    const seen: number[] = [];
    events.on('jobs.promoted', ({ count }) =>
      events.emit('jobs.refilled', { count: count + 1 }),
    );
    events.on('jobs.refilled', ({ count }) => seen.push(count));
    events.emit('jobs.promoted', PROMOTED);
    expect(seen).toEqual([4]);
  });

  it('keeps the listeners of two queues apart', () => {
    const [one, other] = [new KyuEvents(), new KyuEvents()];
    let calls = 0;
    one.on('jobs.promoted', () => calls++);
    other.emit('jobs.promoted', PROMOTED);
    expect(calls).toBe(0);
  });

  it.each<[string, unknown, string]>([
    ['an Error', new Error('bad listener'), 'bad listener'],
    ['null', null, 'null'],
    ['text', 'oops', 'oops'],
    [
      'what cannot become text',
      Object.create(null),
      '[Object: null prototype] {}',
    ],
  ])(
    'logs a listener that throws %s, and calls the others',
    (_, thrown, text) => {
      const events = new KyuEvents();
      let calls = 0;
      events.on('jobs.promoted', () => {
        throw thrown;
      });
      events.on('jobs.promoted', () => calls++);
      expect(() => events.emit('jobs.promoted', PROMOTED)).not.toThrow();
      expect(calls).toBe(1);
      expect(logged).toEqual([`A listener of "jobs.promoted" threw: ${text}`]);
    },
  );

  it('logs an async listener that rejects: left unhandled, that would end the process', async () => {
    const events = new KyuEvents();
    const rejections: unknown[] = [];
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', (reason) => rejections.push(reason));
    try {
      // oxlint-disable-next-line typescript/no-misused-promises -- the type allows it, so applications do it
      events.on('jobs.promoted', async () => {
        throw new Error('bad listener');
      });
      events.emit('jobs.promoted', PROMOTED);
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.removeAllListeners('unhandledRejection');
      for (const other of others) process.on('unhandledRejection', other);
    }
    expect(rejections).toEqual([]);
    expect(logged).toEqual([
      'A listener of "jobs.promoted" threw: bad listener',
    ]);
  });
});
