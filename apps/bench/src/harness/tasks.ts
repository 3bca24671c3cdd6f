/** What a program can be asked for by the process that started it. Arguments and results go over as JSON. */
export type Tasks = Record<string, (argument: never) => unknown>;

export interface Request {
  id: number;
  task: string;
  argument: unknown;
}

export type Reply =
  | { ready: true }
  | { id: number; result: unknown }
  | { id: number; error: string };

/** The argument of a task, or none. */
export type Argument<T extends Tasks, K extends keyof T> = Parameters<T[K]>;
export type Result<T extends Tasks, K extends keyof T> = Awaited<
  ReturnType<T[K]>
>;
