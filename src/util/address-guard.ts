import { BlockList, isIP } from 'node:net';

/** Which hosts may be reached although their addresses are not public; the user's own list. */
export interface AllowedHosts {
  /** Names of hosts (exact, or `*.example.test`), addresses, or networks (`10.0.0.0/8`). */
  readonly entries: readonly string[];
}

/** Networks that are not the public internet. Source: https://www.iana.org/assignments/iana-ipv4-special-registry */
const specialV4: readonly (readonly [net: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];

/** Source: https://www.iana.org/assignments/iana-ipv6-special-registry; all that is public lies in 2000::/3. */
const specialV6: readonly (readonly [net: string, bits: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

function makeList(v4: typeof specialV4, v6: typeof specialV6): BlockList {
  const list = new BlockList();
  for (const [net, bits] of v4) list.addSubnet(net, bits, 'ipv4');
  for (const [net, bits] of v6) list.addSubnet(net, bits, 'ipv6');
  return list;
}

/**
 * Tells for an address (not a name) whether it lies on the public internet. Addresses of IPv6 that stand for one of
 * IPv4 (`::ffff:127.0.0.1`, NAT64) count as what they stand for, or as not public.
 */
export function isPublicAddress(address: string): boolean {
  const plain = address.replace(/%.*$/, '');
  switch (isIP(plain)) {
    case 4:
      return !makeList(specialV4, []).check(plain, 'ipv4');
    case 6: {
      const list = makeList([], specialV6);
      const global = new BlockList();
      global.addSubnet('2000::', 3, 'ipv6');
      return global.check(plain, 'ipv6') && !list.check(plain, 'ipv6');
    }
    default:
      return false;
  }
}

/** Is a host, or the address that it has, on the user's list? */
export function isAllowed(allowed: AllowedHosts, host: string, address?: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  return allowed.entries.some((entry) => {
    const wanted = entry.toLowerCase();
    if (wanted === name || (wanted.startsWith('*.') && name.endsWith(wanted.slice(1)))) return true;
    const ip = address ?? name;
    return isIP(ip) !== 0 && liesIn(wanted, ip);
  });
}

function liesIn(network: string, address: string): boolean {
  const [net = '', bits] = network.split('/');
  const family = isIP(net);
  if (family === 0 || isIP(address) !== family) return false;
  const most = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > most) return false;
  const list = new BlockList();
  list.addSubnet(net, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/**
 * Chooses the addresses of a host that may be connected to.
 * @param resolved all addresses that its name has; for an address itself that one.
 * @returns what is wrong, if one of them is neither public nor allowed: a name that has both kinds is a trap.
 */
export function refusedAddress(allowed: AllowedHosts, host: string, resolved: readonly string[]): string | undefined {
  return resolved.find((address) => !isPublicAddress(address) && !isAllowed(allowed, host, address));
}
