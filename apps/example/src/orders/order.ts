/** What a customer orders; the payload of `place_order`. */
export interface Order {
  number: number;
  customer: string;
  items: { sku: string; quantity: number }[];
}

const MAX_ITEMS = 100;

/** Untrusted input as an order. @throws Error that says what is wrong. */
export function parseOrder(value: unknown): Order {
  const { number, customer, items } = asRecord(value, 'the order');
  if (!Number.isSafeInteger(number) || (number as number) < 1)
    throw new Error('expected "number" to be a positive integer');
  if (typeof customer !== 'string' || !/^[^\s@]+@[^\s@]+$/.test(customer))
    throw new Error('expected "customer" to be an e-mail address');
  if (!Array.isArray(items) || items.length < 1 || items.length > MAX_ITEMS)
    throw new Error(`expected "items" to be a list of 1 to ${MAX_ITEMS}`);
  return { number: number as number, customer, items: items.map(parseItem) };
}

function parseItem(value: unknown, index: number): Order['items'][number] {
  const { sku, quantity } = asRecord(value, `item ${index}`);
  if (typeof sku !== 'string' || sku === '')
    throw new Error(`expected "sku" of item ${index} to be a string`);
  if (!Number.isSafeInteger(quantity) || (quantity as number) < 1)
    throw new Error(
      `expected "quantity" of item ${index} to be a positive integer`,
    );
  return { sku, quantity: quantity as number };
}

function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`expected ${what} to be an object`);
  return value as Record<string, unknown>;
}
