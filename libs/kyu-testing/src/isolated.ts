import { randomBytes } from 'node:crypto';

/**
 * Names that no other test uses: give them to `KyuModule.forRoot()` and tests may share servers and run at the same time. Drop the schema
 * afterwards.
 *
 * @publicApi
 */
export function isolated(): { schema: string; queueName: string } {
  const name = `kyu_test_${randomBytes(6).toString('hex')}`;
  return { schema: name, queueName: name };
}
