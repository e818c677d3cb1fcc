/** The host of `host`, `host:port` or `[IPv6]:port`, without brackets; '': there is none, or it is none of that. */
export function hostOf(address: string): string {
  const [, six, name = ''] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]*))(?::\d{1,5})?$/i.exec(address) ?? [];
  return six ?? name;
}
