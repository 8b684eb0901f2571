/** Which panic events the worker executes (design section 4). In doubt it executes: a false alarm costs money once. */

import { type Delivery, ISSUERS } from "./messages.ts";

/** How long a panic event stays worth executing. */
export interface AuthorizationLimits {
  /** A worker that comes up late finds its work waiting, up to this age. Design section 4: a day. */
  readonly eventMaxAgeMs: number;
}

/** Design section 4. */
export const AUTHORIZATION_LIMITS: AuthorizationLimits = { eventMaxAgeMs: 86_400_000 };

/** Execute, or the reason why not. */
export type Authorization = { readonly kind: "execute" } | { readonly kind: "refuse"; readonly why: string };

/**
 * Judges one event. Refused are only: a wrong issuer, a bad signature, an event already completed, one
 * from before the last `quantum reset`, one too old.
 * An event whose issuer can't be read is malformed, not forged, and is executed.
 */
export function authorize(limits: AuthorizationLimits, delivery: Delivery): Authorization {
  const { issuedBy, signature, completed, beforeReset, ageMs } = delivery;
  if (issuedBy !== null && !ISSUERS.some((issuer) => issuer === issuedBy)) {
    return refuse(`issued_by is ${JSON.stringify(issuedBy)}, expected one of ${ISSUERS.join(", ")}`);
  }
  if (signature === "missing") return refuse("it carries no sig, and QUANTUM_TRIGGER_SECRET is set");
  if (signature === "wrong") return refuse("its sig was not made with QUANTUM_TRIGGER_SECRET");
  if (completed) return refuse("its event_id has a completion already");
  if (beforeReset) return refuse("it was published before the last quantum reset");
  if (ageMs > limits.eventMaxAgeMs) {
    return refuse(`it is ${Math.floor(ageMs / 1000)} s old, the limit is ${Math.floor(limits.eventMaxAgeMs / 1000)} s`);
  }
  return { kind: "execute" };
}

function refuse(why: string): Authorization {
  return { kind: "refuse", why };
}
