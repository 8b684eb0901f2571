/** Signed queries. One string is built, signed and sent; nothing re-encodes it in between. */

import { createHmac, createPrivateKey, createSecretKey, type KeyObject, sign as signWith } from "node:crypto";

/** Names and values in the order they are sent. */
export type QueryParams = readonly (readonly [name: string, value: string])[];

/**
 * Signs for one API key. The secret lives in a closure: no property, inspection or JSON of a signer shows it.
 */
export interface Signer {
  readonly keyKind: "hmac" | "ed25519" | "rsa";
  /** The signature of `payload`, percent-encoded where its alphabet needs it: ready to append. */
  sign(payload: string): string;
}

/**
 * Makes a signer of what Binance handed out: an HMAC secret as it is, or an Ed25519 or RSA private key in PEM.
 *
 * @throws {Error} saying what was expected, never what was given, if the text is neither.
 */
export function signer(secret: string): Signer {
  const text = secret.trim();
  if (text === "") throw new Error("Cannot sign: the API secret is empty");
  return text.startsWith("-----BEGIN") ? privateKeySigner(text) : hmacSigner(text);
}

/** `name=value&…`, percent-encoded, in the order given. */
export function queryString(params: QueryParams): string {
  return params.map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`).join("&");
}

/**
 * Percent-encodes as RFC 3986 has it: every UTF-8 byte but `A-Z a-z 0-9 - _ . ~`. `encodeURIComponent` leaves
 * `! ' ( ) *` and `URLSearchParams` makes `+` of a space; Binance checks the signature against neither.
 */
export function percentEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** HMAC-SHA256, in lower-case hex. */
function hmacSigner(secret: string): Signer {
  const key = createSecretKey(secret, "utf8");
  return { keyKind: "hmac", sign: (payload) => createHmac("sha256", key).update(payload, "utf8").digest("hex") };
}

/** Ed25519 over the payload itself, or RSASSA-PKCS1-v1_5 with SHA-256; base64, then percent-encoded. */
function privateKeySigner(pem: string): Signer {
  const key = privateKey(pem);
  const keyKind = key.asymmetricKeyType;
  if (keyKind !== "ed25519" && keyKind !== "rsa") {
    throw new Error(`Cannot sign with a key of type ${keyKind}: expected Ed25519 or RSA`);
  }
  const digest = keyKind === "rsa" ? "RSA-SHA256" : null;
  return {
    keyKind,
    sign: (payload) => percentEncode(signWith(digest, Buffer.from(payload, "utf8"), key).toString("base64")),
  };
}

function privateKey(pem: string): KeyObject {
  try {
    // In an environment variable the line ends of a PEM usually arrive as a backslash and an n.
    return createPrivateKey(pem.replaceAll("\\n", "\n"));
  } catch {
    // The library's own message may quote the key.
    throw new Error("Cannot read the API secret: it starts like a PEM but is no unencrypted private key (PKCS#8)");
  }
}
