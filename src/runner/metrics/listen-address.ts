/** Where a server listens. */
export interface ListenAddress {
  /** Absent: on all addresses of the machine. */
  readonly host?: string;
  readonly port: number;
}

/**
 * Reads `host:port`, `:port` or `[IPv6]:port`.
 * @returns undefined when the text is none of that.
 */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const [, sixes, name, digits] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]*)):(\d{1,5})$/i.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) return undefined;
  const host = sixes ?? name;
  return host ? { host, port } : { port };
}
