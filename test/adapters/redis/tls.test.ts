import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../src/adapters/host/port.ts";
import { RedisLink } from "../../../src/adapters/redis/link.ts";
import type { Env } from "../../../src/config/env.ts";
import type { Reading } from "../../../src/core/reading.ts";
import { throwAwayCertificate } from "../../../src/sim/certificate.ts";
import { cli, type Ran } from "../../cli/fake-io.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";
import { MASTER_NAME, startSentinel } from "../../support/sentinel.ts";

setDefaultTimeout(30_000);

const DEADLINE_MS = 2_000;

let directory: string;
let redis: TestRedis;
/** Of the way with TLS; its certificate is for 127.0.0.1 and localhost. */
let port: number;
let caPem: string;
let strangerPem: string;
const links: RedisLink[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "quantum-test-tls-"));
  const [own, stranger] = [await throwAwayCertificate(), await throwAwayCertificate()];
  [caPem, strangerPem] = [own.certPem, stranger.certPem];
  file("cert.pem", own.certPem);
  file("key.pem", own.keyPem);
  file("stranger.pem", strangerPem);
  port = await freePort();
  const open = ["--tls-auth-clients", "no", "--bind", "127.0.0.1 127.0.0.2"];
  redis = await startRedis(...tlsArgs(port, join(directory, "cert.pem")), ...open);
});
afterAll(async () => {
  await redis.stop();
  rmSync(directory, { recursive: true, force: true });
});
afterEach(() => {
  for (const link of links.splice(0)) link.close();
});

function file(name: string, text: string): string {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
}

/** TLS on a port of its own, with certificates of clients that `clientCa` has signed. */
function tlsArgs(tlsPort: number, clientCa: string): readonly string[] {
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const files = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", clientCa];
  return ["--tls-port", String(tlsPort), ...files];
}

/** One that is its own authority, good for any purpose. */
async function clientCertificate(): Promise<{ readonly cert: string; readonly key: string }> {
  const { default: forge } = await import("node-forge");
  const keys = forge.pki.rsa.generateKeyPair(2_048);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = "01";
  certificate.validity.notBefore = new Date(Date.now() - 3_600_000);
  certificate.validity.notAfter = new Date(Date.now() + 3_600_000);
  const name = [{ name: "commonName", value: "quantum" }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.sign(keys.privateKey, forge.md.sha256.create());
  return { cert: forge.pki.certificateToPem(certificate), key: forge.pki.privateKeyToPem(keys.privateKey) };
}

function ping(url: string, ca: string | null): Promise<Reading<string>> {
  const link = new RedisLink({ url, caPem: ca, deadlineMs: DEADLINE_MS });
  links.push(link);
  return link.ask("ping", (client) => client.ping());
}

const NOT_TRUSTED = /^ping: .+: its certificate is signed by nobody known: name who signs it in REDIS_CA_FILE$/;

describe("rediss://", () => {
  test("reaches a Redis whose certificate is signed by the authority that was named, by address and by name", async () => {
    expect(await ping(`rediss://127.0.0.1:${port}`, caPem)).toEqual({ known: true, value: "PONG" });
    expect(await ping(`rediss://localhost:${port}`, caPem)).toEqual({ known: true, value: "PONG" });
  });

  test("refuses a certificate that nobody known has signed, and says what to do", async () => {
    for (const ca of [null, strangerPem]) {
      const answer = await ping(`rediss://127.0.0.1:${port}`, ca);
      expect(answer).toMatchObject({ known: false, why: expect.stringMatching(NOT_TRUSTED), needsPerson: true });
    }
  });

  test("refuses a certificate that is for another host", async () => {
    expect(await ping(`rediss://127.0.0.2:${port}`, caPem)).toMatchObject({
      known: false,
      why: expect.stringMatching(/^ping: .+: its certificate is for another name: use that one in REDIS_URL$/),
      needsPerson: true,
    });
  });

  test("does not answer on a port without TLS, nor redis:// on one with it", async () => {
    const plain = redis.url.replace("redis://", "rediss://");
    expect((await ping(plain, caPem)).known).toBe(false);
    expect((await ping(`redis://127.0.0.1:${port}`, null)).known).toBe(false);
  });
});

describe("a Redis that asks its clients for a certificate", () => {
  let asking: TestRedis;
  let url: string;
  beforeAll(async () => {
    const client = await clientCertificate();
    own = { cert: file("client.pem", client.cert), key: file("client-key.pem", client.key) };
    const askingPort = await freePort();
    url = `rediss://127.0.0.1:${askingPort}`;
    // The certificate is its own authority.
    asking = await startRedis(...tlsArgs(askingPort, own.cert));
  });
  afterAll(() => asking.stop());

  let own: { readonly cert: string; readonly key: string };

  test("lets in who shows one", async () => {
    const env = { REDIS_CA_FILE: join(directory, "cert.pem"), REDIS_CERT_FILE: own.cert, REDIS_KEY_FILE: own.key };
    const { code, out } = await cli(["gate"], { env: { REDIS_URL: url, ...env } });
    expect(out).toEqual(["Trading is allowed"]);
    expect(code).toBe(0);
  });

  test("breaks the connection with everybody else, and it is said what that may mean", async () => {
    const { code, out } = await cli(["gate"], {
      env: { REDIS_URL: url, REDIS_CA_FILE: join(directory, "cert.pem") },
    });
    expect(out.join()).toContain("if it always does, the other side wants TLS, or none, or a client's certificate");
    expect(code).toBe(1);
  });
});

describe("rediss+sentinel://", () => {
  let sentinel: Awaited<ReturnType<typeof startSentinel>>;
  let sentinelPort: number;
  beforeAll(async () => {
    sentinelPort = await freePort();
    const lines = [
      `tls-port ${sentinelPort}`,
      `tls-cert-file ${join(directory, "cert.pem")}`,
      `tls-key-file ${join(directory, "key.pem")}`,
      `tls-ca-cert-file ${join(directory, "cert.pem")}`,
      "tls-auth-clients no",
      "tls-replication yes",
    ];
    sentinel = await startSentinel({ masterPort: String(port), quorum: 1, password: "sesame", lines });
  });
  afterAll(() => sentinel.stop());

  const url = (options: string): string => `rediss+sentinel://127.0.0.1:${sentinelPort}/${MASTER_NAME}${options}`;

  test("speaks TLS to sentinels and master, and has a password for each", async () => {
    expect(await ping(url("?sentinel_password=sesame"), caPem)).toEqual({ known: true, value: "PONG" });
  });

  test("verifies the sentinels as well", async () => {
    expect(await ping(url("?sentinel_password=sesame"), strangerPem)).toMatchObject({
      known: false,
      why: expect.stringMatching(/^ping: NOMASTER .*: its certificate is signed by nobody known/),
      needsPerson: true,
    });
  });

  test("says which password is wrong, and not what it is", async () => {
    for (const options of ["", "?sentinel_password=hunter2"]) {
      const answer = await ping(url(options), caPem);
      expect(answer).toMatchObject({
        why: expect.stringMatching(/: mend sentinel_username and sentinel_password in REDIS_URL$/),
        needsPerson: true,
      });
      expect(JSON.stringify(answer)).not.toContain("hunter2");
    }
  });
});

describe("quantum gate over TLS", () => {
  const gate = (env: Env): Promise<Ran> => cli(["gate"], { env: { REDIS_URL: `rediss://127.0.0.1:${port}`, ...env } });

  test("answers within its time where REDIS_CA_FILE names the authority", async () => {
    const answer = await gate({ REDIS_CA_FILE: join(directory, "cert.pem") });
    expect(answer).toEqual({ code: 0, out: ["Trading is allowed"], err: [] });
  });

  test("takes what it can't verify for halted", async () => {
    const { code, out } = await gate({ REDIS_CA_FILE: join(directory, "stranger.pem") });
    expect(code).toBe(1);
    expect(out.join()).toContain("unreadable counts as halted");
  });
});
