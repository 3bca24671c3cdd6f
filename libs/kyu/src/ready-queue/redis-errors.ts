import { RedisSilentError } from './answer-within.js';

/**
 * Answers of a server that will give the same answer for as long as the connection lasts, while the
 * address may lead to another server by now: after a failover by name the old master is a replica
 * (READONLY, UNBLOCKED), copies the new one (LOADING, MASTERDOWN) or has lost its replicas
 * (NOREPLICAS). NOAUTH: the server was given a password, which is sent when a connection begins.
 * Scripts put the word into a sentence of their own.
 */
const ANSWERS_OF_THE_WRONG_SERVER =
  /\b(READONLY|UNBLOCKED|LOADING|MASTERDOWN|NOREPLICAS|NOAUTH)\b/;

/** Nothing was heard of the server, which says nothing of why. */
export const isSilence = (error: Error): boolean =>
  error instanceof RedisSilentError || error.message === 'connect ETIMEDOUT';

/** The server has answered, and refuses the command. */
export const isRefusal = (error: Error): boolean => error.name === 'ReplyError';

/**
 * The server does not let this user run the command or touch the key. Servers before 7 say so in a
 * sentence when a script is refused. All other refusals (OOM, MISCONF, BUSY …) are failures of the
 * server, and end.
 */
export const isLackOfRights = (error: Error): boolean =>
  isRefusal(error) &&
  /\bNOPERM\b|The user executing the script can't/.test(error.message);

/** The connection is of no use any more, and a new one may be. */
export const needsNewConnection = (error: Error): boolean =>
  error instanceof RedisSilentError ||
  (isRefusal(error) && ANSWERS_OF_THE_WRONG_SERVER.test(error.message));
