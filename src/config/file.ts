/** Files that settings name. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { Refusal } from "./refusal.ts";

/**
 * The text of a file.
 *
 * @throws {Refusal} naming the setting (`what`) and the path if it can't be read.
 */
export function readOrRefuse(what: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new Refusal(`${what}: ${path} can't be read (${code}), expected a readable file`);
  }
}

/**
 * One certificate or several, in PEM; null for no file.
 *
 * @throws {Refusal} naming the setting and the path if the file does not begin with one: it would be taken without effect.
 */
export function loadCertificate(what: string, path: string | null): string | null {
  if (path === null) return null;
  const pem = readOrRefuse(what, path);
  try {
    new X509Certificate(pem);
  } catch {
    throw new Refusal(`${what}: ${path} holds no certificate, expected one in PEM`);
  }
  return pem;
}

/** Whether this is the private key to a certificate, both in PEM and the key without a passphrase. */
export function keyMatches(cert: string, key: string): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
