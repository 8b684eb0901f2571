/** Proof that a request comes from the holder of the key. Binance docs, General Info: SIGNED endpoints (binance.md 2.1, 2.2). */

import { Buffer } from "node:buffer";
import { createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import type { AccountSpec } from "./account.ts";

/** What was signed and the signature as sent, still percent-encoded. */
export interface SignedParts {
  readonly payload: string;
  readonly signature: string;
}

/**
 * Splits the raw request into what was signed and the signature.
 *
 * The payload is the query followed by the body with nothing between, byte for byte as sent. `signature` must be the
 * last parameter of the one that carries it; `null` if it is absent or elsewhere.
 */
export function signedParts(query: string, body: string): SignedParts | null {
  const inBody = cutSignature(body);
  if (inBody !== null) return { payload: query + inBody.payload, signature: inBody.signature };
  const inQuery = cutSignature(query);
  return inQuery === null ? null : { payload: inQuery.payload + body, signature: inQuery.signature };
}

/** Whether the signature fits the account's key: HMAC-SHA256 in hex of any case, Ed25519 or RSA PKCS#1 v1.5 in Base64. */
export function verifySignature(account: AccountSpec, { payload, signature }: SignedParts): boolean {
  const data = Buffer.from(payload, "utf8");
  if (account.secret !== undefined) {
    const expected = createHmac("sha256", account.secret).update(data).digest();
    return /^[0-9a-fA-F]{64}$/.test(signature) && timingSafeEqual(expected, Buffer.from(signature, "hex"));
  }
  if (account.publicKeyPem === undefined) return false;
  const base64 = decodeBase64(signature);
  if (base64 === null) return false;
  const key = createPublicKey(account.publicKeyPem);
  return verify(key.asymmetricKeyType === "ed25519" ? null : "RSA-SHA256", data, key, base64);
}

function cutSignature(text: string): SignedParts | null {
  const match = /^(?:(.*)&)?signature=([^&]*)$/s.exec(text);
  return match === null ? null : { payload: match[1] ?? "", signature: match[2] ?? "" };
}

/** A raw `+` or `/` is not percent-encoded as Binance demands; `+` would arrive as a space. */
function decodeBase64(encoded: string): Buffer | null {
  try {
    const text = decodeURIComponent(encoded.replaceAll("+", " "));
    return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : null;
  } catch {
    return null;
  }
}
