import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import type { DataSource } from 'typeorm';
import { PostgresUnavailableError } from '../errors/kyu.errors.js';
import {
  asUnavailable,
  describeTarget,
  explainPostgresFailure,
} from './postgres-errors.js';

const URL_ = 'postgres://ada:s3cret@db.example:6543/jobs?sslmode=require';
const at = (url = URL_) => ({ url, dataSource: undefined });
const failure = (message: string, code?: string): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code });
const explain = (error: unknown): PostgresUnavailableError =>
  explainPostgresFailure(error, at());

describe('explainPostgresFailure', () => {
  it('says where, what and how to cure it, in one sentence', () => {
    const cause = failure('connect ECONNREFUSED 10.0.0.1:6543', 'ECONNREFUSED');
    const error = explain(cause);
    expect(error).toBeInstanceOf(PostgresUnavailableError);
    expect(error).toMatchObject({
      name: 'PostgresUnavailableError',
      code: 'KYU_POSTGRES_UNAVAILABLE',
      outcome: 'not done',
      message:
        'Kyu cannot use PostgreSQL at db.example:6543/jobs: connect ECONNREFUSED 10.0.0.1:6543 (ECONNREFUSED): ' +
        'nothing listens there; start PostgreSQL or correct the URL.',
    });
    // Nest logs what the boot fails with: a cause, and its frames, would hide the message.
    expect(error).not.toHaveProperty('cause');
  });

  it.each([
    ['ECONNREFUSED', 'start PostgreSQL or correct the URL'],
    ['ENOTFOUND', 'correct the host name'],
    ['EAI_AGAIN', 'check the host name'],
    ['ETIMEDOUT', 'check the host, the port and the firewall'],
    ['ECONNRESET', 'is this really a PostgreSQL port?'],
    ['28P01', 'correct user and password'],
    ['28000', 'correct the user, or pg_hba.conf'],
    ['3D000', 'create it or correct the URL'],
    ['53300', 'raise max_connections or lower postgres.maxConnections'],
    ['57P03', 'try again in a moment'],
    ['42501', "set postgres.migrations to 'manual'"],
  ])('%s: %s', (code, advice) => {
    const { message } = explain(failure('it failed', code));
    expect(message).toContain(`: it failed (${code}): `);
    expect(message).toContain(advice);
  });

  it.each([
    ['timeout expired', 'no answer; check the host'],
    ['Connection terminated due to connection timeout', 'no answer'],
    ['The server does not support SSL connections', 'check postgres.ssl'],
    ['self-signed certificate', 'check postgres.ssl'],
    ['something else', 'check postgres.url'],
  ])('without a known code goes by the message: %s', (text, advice) => {
    expect(explain(failure(text)).message).toContain(advice);
    expect(explain(failure(text, 'XX000')).message).toContain(advice);
  });

  it('speaks of the first of several failures: localhost has two addresses', () => {
    const two = new AggregateError(
      [
        failure('connect ECONNREFUSED ::1:5432', 'ECONNREFUSED'),
        failure('connect ECONNREFUSED 127.0.0.1:5432', 'ECONNREFUSED'),
      ],
      '',
    );
    expect(explain(two).message).toContain(
      'connect ECONNREFUSED ::1:5432 (ECONNREFUSED)',
    );
  });

  it.each([
    "Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })",
    "new AggregateError([Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })], '')",
  ])(
    "knows an error of another realm (a vm's, Node's own under jest): %s",
    (code) => {
      expect(explain(runInNewContext(code)).message).toContain(
        'jobs: refused (ECONNREFUSED): nothing listens there',
      );
    },
  );

  it('takes the first line of a message', () => {
    expect(explain(failure('no\nstack\nframes')).message).toContain(
      'jobs: no:',
    );
  });

  it.each<[unknown, string]>([
    ['text', 'text'],
    [null, 'null'],
    [undefined, 'undefined'],
    [new AggregateError([], 'empty'), 'empty'],
  ])('explains %p, too', (thrown, text) => {
    expect(explain(thrown).message).toContain(`jobs: ${text}: `);
  });

  it('never holds the password', () => {
    const error = explain(failure('password authentication failed', '28P01'));
    const everything = `${error.message}${error.stack}${inspect(error, { depth: null, showHidden: true })}`;
    expect(everything).not.toContain('s3cret');
    expect(everything).not.toContain('ada');
  });

  it('shows no frames: the message is what helps', () => {
    const error = explain(failure('x'));
    expect(error.stack).toBe(`PostgresUnavailableError: ${error.message}`);
  });
});

describe('describeTarget', () => {
  it.each([
    [URL_, 'db.example:6543/jobs'],
    ['postgres://localhost/db', 'localhost:5432/db'],
    ['postgres:///db', 'localhost:5432/db'],
    ['postgresql://u:p%40w@[::1]:5433/db', '[::1]:5433/db'],
    ['postgres://u:p@host', 'host:5432'],
    ['postgres://u@host/db?password=s3cret', 'host:5432/db'],
  ])('%s is %s', (url, target) => {
    expect(describeTarget(at(url))).toBe(target);
  });

  it('is not the URL when the application brought a data source', () => {
    expect(describeTarget({ url: URL_, dataSource: {} as DataSource })).toBe(
      "the application's DataSource",
    );
  });
});

describe('asUnavailable', () => {
  it.each([
    ['connect ECONNREFUSED 10.0.0.1:5432', 'ECONNREFUSED'],
    ['getaddrinfo ENOTFOUND db', 'ENOTFOUND'],
    ['getaddrinfo EAI_AGAIN db', 'EAI_AGAIN'],
    ['connect EHOSTUNREACH 10.0.0.1:5432', 'EHOSTUNREACH'],
    ['connect ENETUNREACH 10.0.0.1:5432', 'ENETUNREACH'],
    ['sorry, too many clients already', '53300'],
    ['the database system is starting up', '57P03'],
    ['role "ada" is not permitted to log in', '28000'],
    ['password authentication failed', '28P01'],
  ])('says that nothing was done: %s', (message, code) => {
    const error = asUnavailable(failure(message, code));
    expect(error).toBeInstanceOf(PostgresUnavailableError);
    expect(error).toMatchObject({
      code: 'KYU_POSTGRES_UNAVAILABLE',
      outcome: 'not done',
      message: `PostgreSQL cannot be reached: ${message} (${code}). Nothing was stored; try again when it is back.`,
    });
  });

  it('says so, too, when no connection came in time', () => {
    const error = asUnavailable(
      failure('timeout exceeded when trying to connect'),
    );
    expect(error).toMatchObject({ outcome: 'not done' });
  });

  it.each<[string, string | undefined]>([
    ['read ECONNRESET', 'ECONNRESET'],
    ['write EPIPE', 'EPIPE'],
    ['read ETIMEDOUT', 'ETIMEDOUT'],
    ['connection failure', '08006'],
    ['terminating connection due to administrator command', '57P01'],
    ['terminating connection because of crash', '57P02'],
    ['Connection terminated unexpectedly', undefined],
    ['Client has encountered a connection error', undefined],
    ['Query read timeout', undefined],
    ['Client is not queryable', undefined],
  ])('says that it may have been done: %s', (message, code) => {
    const error = asUnavailable(failure(message, code));
    expect(error).toBeInstanceOf(PostgresUnavailableError);
    expect(error).toMatchObject({
      outcome: 'unknown',
      message: `PostgreSQL cannot be reached: ${message}${code ? ` (${code})` : ''}. Whether the statement took effect is unknown; look before you repeat it.`,
    });
  });

  it('knows an error of another realm, and has neither cause nor frames', () => {
    const error = asUnavailable(
      runInNewContext("Object.assign(new Error('gone'), { code: 'EPIPE' })"),
    ) as PostgresUnavailableError;
    expect(error).toMatchObject({ outcome: 'unknown' });
    expect(error).not.toHaveProperty('cause');
    expect(error.stack).toBe(`PostgresUnavailableError: ${error.message}`);
  });

  it.each<[string, string]>([
    ['duplicate key value violates unique constraint', '23505'],
    ['invalid input syntax for type json', '22P02'],
    ['canceling statement due to statement timeout', '57014'],
    ['could not serialize access', '40001'],
    ['deadlock detected', '40P01'],
    ['permission denied for table kyu_jobs', '42501'],
  ])('leaves as it is what the server said: %s', (message, code) => {
    const error = failure(message, code);
    expect(asUnavailable(error)).toBe(error);
  });
});
