import { ValidationPipe, type PipeTransform } from '@nestjs/common';
import type { Parameter } from './nest-parts.js';

/** The protected fields of Nest's ValidationPipe that say whether it checks a parameter of a decorator that is not Nest's own. */
interface ValidationSettings {
  validateCustomDecorators?: boolean;
  expectedType?: unknown;
}

/**
 * Says so when a ValidationPipe should check a parameter and cannot. It checks against the type of the parameter, which compilers without decorator metadata do not
 * write: the pipe then lets everything pass without a word.
 */
export function whyUnchecked(
  types: readonly unknown[] | undefined,
  pipes: readonly PipeTransform[],
  parameters: readonly Parameter[],
): string | undefined {
  const all = [...pipes, ...parameters.flatMap((each) => each.pipes)];
  return !types && parameters.length > 0 && all.some(needsTypes)
    ? 'ValidationPipe does not check the payload, as the compiler wrote no types of parameters. Compile with decorator metadata (emitDecoratorMetadata), give the pipe an expectedType, or the job a schema.'
    : undefined;
}

function needsTypes(pipe: PipeTransform): boolean {
  if (!(pipe instanceof ValidationPipe)) return false;
  const settings = pipe as unknown as ValidationSettings;
  return settings.validateCustomDecorators === true && !settings.expectedType;
}
