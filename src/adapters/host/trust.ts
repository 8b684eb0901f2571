/** Whom TLS connections trust, and who they are themselves. */

import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";

/** A certificate of our own and the key to it, both in PEM, for servers who ask for one. */
export interface OwnCertificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * The certificates to trust: the public roots, which a list of one's own would replace, and `caPem` beside them. Made once
 * for many connections: given as `ca`, the roots are parsed anew for each, which is most of what a handshake costs.
 */
export function trustIn(caPem: string | null, own: OwnCertificate | null = null): SecureContext {
  return createSecureContext({ ca: [...rootCertificates, ...(caPem === null ? [] : [caPem])], ...own });
}
