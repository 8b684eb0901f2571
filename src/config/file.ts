/** Files that settings name. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
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

/** So much is asked for at once. */
const PART_BYTES = 65_536;

/**
 * The text of a file that may hold `bytesMax` bytes at most: one that is no settings file at all, or never ends, is not read whole.
 *
 * @throws {Refusal} naming the setting (`what`) and the path if it can't be read, is longer, or is not UTF-8.
 */
export function readBounded(what: string, path: string, bytesMax: number): string {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    const file = openSync(path, "r");
    try {
      for (let read = -1; read !== 0 && length <= bytesMax; length += read) {
        const part = Buffer.alloc(Math.min(PART_BYTES, bytesMax + 1 - length));
        read = readSync(file, part, 0, part.length, null);
        parts.push(part.subarray(0, read));
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new Refusal(`${what}: ${path} can't be read (${code}), expected a readable file`);
  }
  if (length > bytesMax) throw new Refusal(`${what}: ${path} is too long, expected ${bytesMax} bytes at most`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts));
  } catch {
    throw new Refusal(`${what}: ${path} is not UTF-8, expected a text file`);
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
