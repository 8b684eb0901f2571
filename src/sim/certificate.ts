/** A certificate for the simulated exchange's HTTPS: made on the spot, trusted by nobody who was not told to. */

import { generateKeyPairSync, randomBytes } from "node:crypto";

/** A certificate and its key, both PEM. The certificate is its own CA: give `certPem` to a client as `ca`. */
export interface Certificate {
  readonly certPem: string;
  readonly keyPem: string;
}

const VALID_DAYS = 30;
const DAY_MS = 24 * 3_600_000;

/**
 * Makes a self-signed certificate for 127.0.0.1 and localhost, CN "quantum simulated exchange", valid from an hour ago
 * (clocks differ) for 30 days.
 */
export async function throwAwayCertificate(): Promise<Certificate> {
  // Loaded late: only the HTTPS face needs it. It writes the certificate; the key comes from the runtime, which is faster.
  const { default: forge } = await import("node-forge");
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  // A leading zero bit keeps the serial number positive, as X.509 demands.
  certificate.serialNumber = `01${randomBytes(15).toString("hex")}`;
  certificate.validity.notBefore = new Date(Date.now() - 3_600_000);
  certificate.validity.notAfter = new Date(Date.now() + VALID_DAYS * DAY_MS);
  const name = [{ name: "commonName", value: "quantum simulated exchange" }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", digitalSignature: true, keyCertSign: true, keyEncipherment: true, critical: true },
    { name: "extKeyUsage", serverAuth: true },
    {
      name: "subjectAltName",
      altNames: [
        { type: 2, value: "localhost" },
        { type: 7, ip: "127.0.0.1" },
      ],
    },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create());
  return { certPem: forge.pki.certificateToPem(certificate), keyPem: privateKey };
}
