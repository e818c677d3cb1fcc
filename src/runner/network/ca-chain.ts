import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** Longer chains are no chains. */
const longestChain = 16;

/**
 * The certificates that a connection's server is trusted by, as PEM: all but its own, unless that signed itself. For jobs,
 * whose git has to trust the same.
 */
export function caChainOf(socket: TLSSocket): string {
  const chain: DetailedPeerCertificate[] = [];
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length < longestChain) {
    chain.push(next);
    const issuer: DetailedPeerCertificate | undefined = next.issuerCertificate;
    // A root is its own issuer.
    next = issuer === undefined || issuer.fingerprint256 === next.fingerprint256 ? undefined : issuer;
  }
  return (chain.length > 1 ? chain.slice(1) : chain).map(({ raw }) => pemOf(raw)).join('');
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
