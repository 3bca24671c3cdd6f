import type { InjectionToken, Provider } from '@nestjs/common';

/** What takes the place of one provider of `KyuModule`. */
export interface Substitute {
  token: InjectionToken;
  inject: InjectionToken[];
  factory: (...injected: never[]) => unknown;
}

/** One instance of each. */
export type Instances<Tokens extends readonly unknown[]> = {
  -readonly [Index in keyof Tokens]: Tokens[Index] extends abstract new (
    ...args: never[]
  ) => infer Instance
    ? Instance
    : unknown;
};

/** @param factory gets an instance of each of `inject`. */
export const substitute = <const Tokens extends readonly InjectionToken[]>(
  token: InjectionToken,
  inject: Tokens,
  factory: (...injected: Instances<Tokens>) => unknown,
): Substitute => ({
  token,
  inject: [...inject],
  factory: factory as Substitute['factory'],
});

export const asProvider = ({
  token,
  inject,
  factory,
}: Substitute): Provider => ({
  provide: token,
  inject,
  useFactory: factory as (...injected: unknown[]) => unknown,
});
