import { Prefetch } from './prefetch.js';

const after = (handlerMs: number, runs = 500): Prefetch => {
  const prefetch = new Prefetch();
  for (let i = 0; i < runs; i++) prefetch.observe(handlerMs);
  return prefetch;
};

describe('Prefetch', () => {
  it('claims nothing ahead before it knows how long handlers take', () => {
    expect(new Prefetch().ahead(50)).toBe(0);
  });

  it('claims nothing ahead for handlers that take long', () => {
    expect(after(25).ahead(50)).toBe(0);
    expect(after(5_000).ahead(50)).toBe(0);
  });

  it('claims some ahead for handlers of some milliseconds', () => {
    expect(after(5).ahead(50)).toBe(200);
  });

  it('claims hundreds ahead for handlers of microseconds, and no more', () => {
    expect(after(0.01).ahead(50)).toBe(1_000);
    expect(after(0).ahead(1_000)).toBe(1_000);
  });

  it('follows a change of the load', () => {
    const prefetch = after(0.01);
    for (let i = 0; i < 100; i++) prefetch.observe(1_000);
    expect(prefetch.ahead(50)).toBe(0);
  });
});
