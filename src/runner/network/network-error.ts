/** Node's codes for a server that shows a certificate which nobody here has signed. */
const untrusted = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

type NodeError = Error & { readonly code?: string; readonly reason?: unknown };

/** Says what went wrong with a connection where Node's own words don't. @returns what was given where they do. */
export function networkError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code } = error as NodeError;
  const message = messageOf(error);
  if (message === error.message) return error;
  return Object.assign(new Error(message, { cause: error }), code === undefined ? {} : { code });
}

function messageOf(error: NodeError): string {
  // A name with several addresses, none of which answers.
  if (error instanceof AggregateError && error.errors.length > 0) {
    return [...new Set(error.errors.map((one) => (one as Error)?.message ?? String(one)))].join('; ');
  }
  const { code = '', reason, message } = error;
  if (untrusted.has(code)) {
    return `the server's certificate is not trusted (${message}): name a file that has it, or its authority's, as \`tls-ca-file\``;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `the server's certificate is for another name (${String(reason).replace(/[:\s]+$/, '')})`;
  }
  // OpenSSL's whole message has names of its source files.
  const ssl = /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1];
  if (ssl === 'wrong version number') return 'the server speaks no TLS: is its address one of plain http?';
  return ssl === undefined ? message : `TLS: ${ssl}`;
}
