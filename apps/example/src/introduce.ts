import type { ShopSettings } from './settings.js';

/** For people who want to look into the table. A password is shown only if it was made up for this run. */
export function psqlCommand({ postgresUrl, schema }: ShopSettings): string {
  const url = new URL(postgresUrl);
  if (process.env.KYU_POSTGRES_URL) url.password = url.search = '';
  return `psql '${url.href}' -c 'select status, count(*) from "${schema}".kyu_jobs group by status'`;
}

/** For people who want to try the API: what they can paste. */
export function introduceApi(url: string, settings: ShopSettings): string {
  const post = `curl -H 'content-type: application/json' ${url}`;
  return `
The shop's API is on ${url} (mode ${settings.mode}, queue ${settings.queueName}). Try:

  ${post}/jobs -d '{"type":"send_sms","payload":"Your parcel is here"}'
  ${post}/jobs -d '{"type":"remind_of_cart","payload":{"to":"ada@example.com"},"options":{"priority":5,"scheduledAt":"${inAnHour()}"}}'
  ${post}/reports -d '{"month":"May","pages":30}'
  ${post}/orders -d '{"number":1,"customer":"ada@example.com","items":[{"sku":"tea","quantity":2}]}'
  curl ${url}/jobs/ID
  curl -X DELETE ${url}/jobs/ID
  curl '${url}/jobs/dead?limit=10'
  curl ${url}/health
  curl ${url}/metrics
  curl ${url}/metrics/reports
  curl ${url}/shop/metrics
`;
}

const inAnHour = (): string =>
  new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, '');
