/** The signature of a panic event (contract 3.2). */

import { createHmac, timingSafeEqual } from "node:crypto";
import type { PanicEvent, SignatureCheck } from "../../core/messages.ts";
import type { Fields } from "./codec.ts";

/** Lower-case hex HMAC-SHA256 over `event_id|reason|severity|issued_by|ts`. */
export function sign(secret: string, { eventId, reason, issuedBy, ts }: PanicEvent): string {
  return hmac(secret, [eventId, reason, "CRITICAL", issuedBy, String(ts)]);
}

/** Checks the `sig` of an event as it arrived, over its fields as they arrived. */
export function checkSignature(secret: string | null, fields: Fields): SignatureCheck {
  if (secret === null) return "not_required";
  const sig = fields.get("sig");
  if (sig === undefined) return "missing";
  const signed = ["event_id", "reason", "severity", "issued_by", "ts"].map((name) => fields.get(name) ?? "");
  const expected = Buffer.from(hmac(secret, signed));
  const given = Buffer.from(sig);
  return given.length === expected.length && timingSafeEqual(given, expected) ? "valid" : "wrong";
}

function hmac(secret: string, parts: readonly string[]): string {
  return createHmac("sha256", secret).update(parts.join("|")).digest("hex");
}
