/** Whom TLS connections trust. */

import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";

/**
 * The certificates to trust: the public roots, which a list of one's own would replace, and `caPem` beside them. Made once
 * for many connections: given as `ca`, the roots are parsed anew for each, which is most of what a handshake costs.
 */
export function trustIn(caPem: string | null): SecureContext {
  return createSecureContext({ ca: [...rootCertificates, ...(caPem === null ? [] : [caPem])] });
}
