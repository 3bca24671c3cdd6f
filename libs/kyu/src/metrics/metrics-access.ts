import type { IncomingMessage } from 'node:http';
import { BlockList } from 'node:net';
import type { KyuMetricsAccess } from '../config/kyu.options.js';

/** Loopback, private and link-local networks; 100.64.0.0/10 is what some clusters give to their pods. */
const PRIVATE = new BlockList();
for (const [network, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  PRIVATE.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  PRIVATE.addSubnet(network, bits, 'ipv6');

/**
 * What proxies add to a request that they forward. Its presence is enough: whoever sends the request can write what they like into it, and behind a proxy the
 * address of the connection is the proxy's, which is private.
 */
const FORWARDING_HEADERS = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-original-forwarded-for',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-envoy-external-address',
  'x-azure-clientip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'fly-client-ip',
];

/** Whether these metrics answer this request. */
export function isAllowed(
  access: KyuMetricsAccess,
  request: IncomingMessage,
): boolean | Promise<boolean> {
  if (access === 'all') return true;
  return access === 'private' ? isDirectAndPrivate(request) : access(request);
}

function isDirectAndPrivate({ headers, socket }: IncomingMessage): boolean {
  return (
    FORWARDING_HEADERS.every((name) => headers[name] === undefined) &&
    isPrivateAddress(socket.remoteAddress)
  );
}

/** @param address as a socket has it: perhaps with the zone of a link, or an IPv4 address as IPv6. */
export function isPrivateAddress(address: string | undefined): boolean {
  if (!address) return false;
  const [plain = ''] = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%');
  return PRIVATE.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4');
}
