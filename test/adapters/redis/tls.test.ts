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
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const [cert, key] = [file("cert.pem", own.certPem), file("key.pem", own.keyPem)];
  file("stranger.pem", strangerPem);
  port = await freePort();
  const tls = ["--tls-port", String(port), "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert];
  redis = await startRedis(...tls, "--tls-auth-clients", "no", "--bind", "127.0.0.1 127.0.0.2");
});
afterAll(async () => {
  await redis.stop();
  rmSync(directory, { recursive: true, force: true });
});
afterEach(() => {
  for (const link of links.splice(0)) link.close();
});

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
