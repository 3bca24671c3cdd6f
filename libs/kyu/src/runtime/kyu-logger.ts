/** DI token of the `KyuLog`, which writes to the logger of the options, else to Nest's. */
export const KyuLogger = Symbol('KyuLogger');
