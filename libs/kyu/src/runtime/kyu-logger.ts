/** DI token of the logger: the one of the options, else Nest's. */
export const KyuLogger = Symbol('KyuLogger');
