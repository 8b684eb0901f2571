import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Env } from "../../src/config/env.ts";
import { loadStreamUrl, loadTestnet, loadVenue } from "../../src/config/venue.ts";
import { throwAwayCertificate } from "../../src/sim/certificate.ts";
import { refused } from "./refused.ts";

const KEY = "api-key-k3y";
const SECRET = "api-secret-s3cret";
const ENV: Env = { BINANCE_TESTNET: "true", BINANCE_API_KEY: KEY, BINANCE_API_SECRET: SECRET };

let directory: string;

let caPem: string;

beforeAll(async () => {
  caPem = (await throwAwayCertificate()).certPem;
  directory = mkdtempSync(join(tmpdir(), "quantum-test-venue-"));
  writeFileSync(join(directory, "binance-api-key"), `${KEY}-from-systemd\n`);
  writeFileSync(join(directory, "binance-api-secret"), `${SECRET}-from-systemd\n`);
  writeFileSync(join(directory, "key.txt"), `${KEY}-from-file\n`);
  writeFileSync(join(directory, "secret.txt"), `  ${SECRET}-from-file\n\n`);
  writeFileSync(join(directory, "empty.txt"), " \n");
  writeFileSync(join(directory, "ca.pem"), caPem);
  mkdirSync(join(directory, "nothing"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** `ENV` with changes; `dir:` stands for the test's directory. */
function env(changes: Env): Env {
  const resolved = Object.entries(changes).map(([name, value]) => [name, value?.replace(/^dir:/, `${directory}/`)]);
  return { ...ENV, ...(Object.fromEntries(resolved) as Env) };
}

describe("BINANCE_TESTNET", () => {
  test("picks the venue", () => {
    expect(loadVenue(ENV)).toEqual({
      testnet: true,
      baseUrl: "https://demo-fapi.binance.com",
      apiKey: KEY,
      secret: SECRET,
      caPem: null,
    });
    expect(loadVenue(env({ BINANCE_TESTNET: "false" })).baseUrl).toBe("https://fapi.binance.com");
  });

  test.each([undefined, "", "TRUE", "True", "1", "0", "yes", "no", " true", "true ", "testnet"])(
    "%j picks none",
    (text) => {
      const given = text === undefined || text === "" ? "not set" : JSON.stringify(text);
      const expected = `BINANCE_TESTNET is ${given}: expected true (testnet) or false (real money)`;
      expect(refused(() => loadTestnet({ BINANCE_TESTNET: text }))).toBe(expected);
      expect(refused(() => loadVenue(env({ BINANCE_TESTNET: text })))).toBe(expected);
    },
  );
});

describe("BINANCE_BASE_URL", () => {
  test.each([
    ["https://demo-fapi.binance.com", "https://demo-fapi.binance.com"],
    ["https://proxy.example.com:8443/", "https://proxy.example.com:8443"],
    ["http://127.0.0.1:8700", "http://127.0.0.1:8700"],
    ["http://127.8.9.10:8700", "http://127.8.9.10:8700"],
    ["http://localhost:8700", "http://localhost:8700"],
    ["https://127.0.0.1:8700", "https://127.0.0.1:8700"],
  ] as const)("%s is taken", (text, baseUrl) => {
    expect(loadVenue(env({ BINANCE_BASE_URL: text })).baseUrl).toBe(baseUrl);
  });

  test("empty counts as not set", () => {
    expect(loadVenue(env({ BINANCE_BASE_URL: "" })).baseUrl).toBe("https://demo-fapi.binance.com");
  });

  test("the flag wins over the variable", () => {
    const both = env({ BINANCE_BASE_URL: "http://127.0.0.1:1" });
    expect(loadVenue(both, "http://127.0.0.1:2").baseUrl).toBe("http://127.0.0.1:2");
  });

  test.each([
    ["fapi.binance.com", "is not a URL: expected https://host, or http://127.0.0.1:port"],
    ["ftp://fapi.binance.com", "is not a URL: expected https://host, or http://127.0.0.1:port"],
    ["127.0.0.1:8700", "is not a URL: expected https://host, or http://127.0.0.1:port"],
    ["https://a:hunter2@host", "has more than scheme, host and port: expected for example https://host:port"],
    ["https://host/fapi", "has more than scheme, host and port: expected for example https://host:port"],
    ["https://host?key=hunter2", "has more than scheme, host and port: expected for example https://host:port"],
    ["https://host#x", "has more than scheme, host and port: expected for example https://host:port"],
    ["http://demo-fapi.binance.com", "plain http is accepted on loopback only, expected https"],
    ["http://10.0.0.1:8700", "plain http is accepted on loopback only, expected https"],
    ["http://0.0.0.0:8700", "plain http is accepted on loopback only, expected https"],
    ["http://127.0.0.1.example.com", "plain http is accepted on loopback only, expected https"],
    ["http://localhost.example.com", "plain http is accepted on loopback only, expected https"],
    ["https://fapi.binance.com", "the real venue, but BINANCE_TESTNET is true: expected one or the other"],
    ["https://FAPI.binance.com:443/", "the real venue, but BINANCE_TESTNET is true: expected one or the other"],
    ["https://fapi.binance.com.", "the real venue, but BINANCE_TESTNET is true: expected one or the other"],
    ["https://fapi.binance.com:8443", "the real venue, but BINANCE_TESTNET is true: expected one or the other"],
  ] as const)("%s is refused: %s", (text, why) => {
    const message = refused(() => loadVenue(env({ BINANCE_BASE_URL: text })));
    expect(message).toStartWith("BINANCE_BASE_URL ");
    expect(message).toEndWith(why);
    expect(message).not.toContain("hunter2");
  });

  test("the real venue is taken where it is meant", () => {
    const real = env({ BINANCE_TESTNET: "false", BINANCE_BASE_URL: "https://fapi.binance.com" });
    expect(loadVenue(real).baseUrl).toBe("https://fapi.binance.com");
  });
});

describe("the key", () => {
  const unset: Env = { BINANCE_API_KEY: undefined, BINANCE_API_SECRET: "" };
  const files: Env = { BINANCE_API_KEY_FILE: "dir:key.txt", BINANCE_API_SECRET_FILE: "dir:secret.txt" };
  const credentials: Env = { CREDENTIALS_DIRECTORY: "dir:." };

  test.each([
    ["the variables", { ...files, ...credentials }, ""],
    ["their files", { ...unset, ...files, ...credentials }, "-from-file"],
    ["systemd's credentials", { ...unset, ...credentials }, "-from-systemd"],
    [
      "systemd's, where the file's name is empty",
      { ...unset, BINANCE_API_KEY_FILE: "", ...credentials },
      "-from-systemd",
    ],
  ] as const)("comes from %s, without the line end", (_what, changes, suffix) => {
    expect(loadVenue(env(changes))).toMatchObject({ apiKey: `${KEY}${suffix}`, secret: `${SECRET}${suffix}` });
  });

  test.each([
    [
      { BINANCE_API_KEY: undefined },
      "BINANCE_API_KEY is not set: expected it, or BINANCE_API_KEY_FILE, or the systemd credential binance-api-key",
    ],
    [
      { BINANCE_API_SECRET: "" },
      "BINANCE_API_SECRET is not set: expected it, or BINANCE_API_SECRET_FILE, or the systemd credential binance-api-secret",
    ],
    [
      { ...unset, ...files, BINANCE_API_KEY_FILE: "dir:missing" },
      "BINANCE_API_KEY_FILE: dir:missing can't be read (ENOENT), expected a readable file",
    ],
    [
      { ...unset, ...files, BINANCE_API_SECRET_FILE: "dir:nothing" },
      "BINANCE_API_SECRET_FILE: dir:nothing can't be read (EISDIR), expected a readable file",
    ],
    [
      { ...unset, ...files, BINANCE_API_SECRET_FILE: "dir:empty.txt" },
      "BINANCE_API_SECRET_FILE: dir:empty.txt is empty, expected the secret in it",
    ],
    [
      { ...unset, CREDENTIALS_DIRECTORY: "dir:nothing" },
      "BINANCE_API_KEY is not set: expected it, or BINANCE_API_KEY_FILE, or the systemd credential binance-api-key",
    ],
  ] as const)("%j is refused", (changes, expected) => {
    const message = refused(() => loadVenue(env(changes)));
    expect(message.replaceAll(`${directory}/`, "dir:")).toBe(expected);
    expect(message).not.toContain(SECRET);
    expect(message).not.toContain(KEY);
  });
});

describe("BINANCE_STREAM_URL", () => {
  const streamUrlOf = (changes: Env, flag?: string): string =>
    loadStreamUrl(env(changes), loadVenue(env(changes)), flag);

  test.each([
    [{}, "wss://fstream.binancefuture.com"],
    [{ BINANCE_TESTNET: "false" }, "wss://fstream.binance.com"],
    [{ BINANCE_STREAM_URL: "" }, "wss://fstream.binancefuture.com"],
    [{ BINANCE_BASE_URL: "http://127.0.0.1:8700" }, "ws://127.0.0.1:8700"],
    [{ BINANCE_BASE_URL: "https://127.0.0.1:8700" }, "wss://127.0.0.1:8700"],
    [{ BINANCE_BASE_URL: "https://proxy.example.com" }, "wss://proxy.example.com"],
    [{ BINANCE_STREAM_URL: "wss://proxy.example.com:8443/" }, "wss://proxy.example.com:8443"],
    [{ BINANCE_STREAM_URL: "ws://localhost:8701" }, "ws://localhost:8701"],
    [{ BINANCE_STREAM_URL: "wss://demo-fstream.binance.com" }, "wss://demo-fstream.binance.com"],
    [{ BINANCE_TESTNET: "false", BINANCE_STREAM_URL: "wss://fstream.binance.com" }, "wss://fstream.binance.com"],
  ] as const)("with %j the streams come from %s", (changes, streamUrl) => {
    expect(streamUrlOf(changes)).toBe(streamUrl);
  });

  test("the flag wins over the variable", () => {
    expect(streamUrlOf({ BINANCE_STREAM_URL: "ws://127.0.0.1:1" }, "ws://127.0.0.1:2")).toBe("ws://127.0.0.1:2");
  });

  const ONE = "expected one or the other";
  const REAL = "the real venue, but BINANCE_TESTNET is true";
  test.each([
    ["fstream.binance.com", "true", "is not a URL: expected wss://host, or ws://127.0.0.1:port"],
    ["https://fstream.binance.com", "true", "is not a URL: expected wss://host, or ws://127.0.0.1:port"],
    ["wss://a:hunter2@host", "true", "has more than scheme, host and port: expected for example wss://host:port"],
    ["wss://host/market", "true", "has more than scheme, host and port: expected for example wss://host:port"],
    ["wss://host?key=hunter2", "true", "has more than scheme, host and port: expected for example wss://host:port"],
    ["ws://10.0.0.1:1", "true", "is ws://10.0.0.1:1: plain ws is accepted on loopback only, expected wss"],
    ["wss://fstream.binance.com", "true", `is wss://fstream.binance.com, ${REAL}: ${ONE}`],
    ["wss://fstream.binance.com.", "true", `is wss://fstream.binance.com., ${REAL}: ${ONE}`],
    [
      "wss://fstream.binancefuture.com",
      "false",
      `is wss://fstream.binancefuture.com, the testnet, but BINANCE_TESTNET is false: ${ONE}`,
    ],
  ] as const)("%s is refused where BINANCE_TESTNET is %s", (text, testnet, complaint) => {
    const message = refused(() => streamUrlOf({ BINANCE_STREAM_URL: text, BINANCE_TESTNET: testnet }));
    expect(message).toBe(`BINANCE_STREAM_URL ${complaint}`);
    expect(message).not.toContain("hunter2");
  });
});

describe("BINANCE_CA_FILE", () => {
  test("is read", () => {
    expect(loadVenue(env({ BINANCE_CA_FILE: "dir:ca.pem" })).caPem).toBe(caPem);
    expect(loadVenue(env({ BINANCE_CA_FILE: "" })).caPem).toBeNull();
  });

  test("is refused where it can't be", () => {
    const message = refused(() => loadVenue(env({ BINANCE_CA_FILE: "dir:missing" })));
    expect(message).toBe(`BINANCE_CA_FILE: ${directory}/missing can't be read (ENOENT), expected a readable file`);
  });

  test("is refused where no certificate is in it", () => {
    const message = refused(() => loadVenue(env({ BINANCE_CA_FILE: "dir:key.txt" })));
    expect(message).toBe(`BINANCE_CA_FILE: ${directory}/key.txt holds no certificate, expected one in PEM`);
  });
});
