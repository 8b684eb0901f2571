import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostEnv } from "../../src/cli/installed-settings.ts";

let settings = "";

beforeEach(() => {
  settings = mkdtempSync(join(tmpdir(), "quantum-settings-"));
  write("quantum.env", "BINANCE_TESTNET=true\nREDIS_URL=redis://127.0.0.1:1\n");
  write("binance-api-key", "key\n");
  write("main/quantum.env", "BINANCE_TESTNET=false\n");
});
afterEach(() => rmSync(settings, { recursive: true, force: true }));

function write(name: string, text: string): void {
  const path = join(settings, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
}

function envOf(env: Record<string, string>, namespace?: string) {
  return hostEnv({ settings }, env, { namespace, wanted: "all" });
}

describe("hostEnv()", () => {
  test("is what is installed, where the environment says nothing of its own", () => {
    expect(envOf({ PATH: "/bin", LOG_LEVEL: "debug" })).toEqual({
      PATH: "/bin",
      LOG_LEVEL: "debug",
      BINANCE_TESTNET: "true",
      REDIS_URL: "redis://127.0.0.1:1",
      STATE_DIRECTORY: "/var/lib/quantum",
      QUANTUM_POLICY: join(settings, "exits.yaml"),
      BINANCE_API_KEY_FILE: join(settings, "binance-api-key"),
    });
  });

  test.each([
    ["BINANCE_TESTNET", "false"],
    ["REDIS_URL", "redis://elsewhere"],
    ["BINANCE_API_KEY_FILE", "/tmp/key"],
    ["QUANTUM_TRIGGER_SECRET", "s"],
    ["CREDENTIALS_DIRECTORY", "/run/credentials/x"],
  ])(
    "is nothing of it once the environment has %s: a key from here and a venue from there must not meet",
    (name, value) => {
      expect(envOf({ [name]: value })).toBeNull();
    },
  );

  test("is the account's that the namespace names", () => {
    const expected = {
      BINANCE_TESTNET: "false",
      QUANTUM_NAMESPACE: "main",
      STATE_DIRECTORY: "/var/lib/quantum-main",
      QUANTUM_POLICY: join(settings, "main", "exits.yaml"),
    };
    expect(envOf({}, "main")).toEqual(expected);
    expect(envOf({ QUANTUM_NAMESPACE: "main" })).toEqual(expected);
  });

  test("is the only account's, if that has this namespace in its settings", () => {
    write("quantum.env", "QUANTUM_NAMESPACE=own\n");
    expect(envOf({}, "own")).toMatchObject({ QUANTUM_NAMESPACE: "own" });
    expect(envOf({}, "other")).toBeNull();
  });

  test("never leaves its folder", () => {
    write("../quantum.env", "BINANCE_TESTNET=true\n");
    expect(envOf({}, "..")).toBeNull();
    rmSync(join(settings, "../quantum.env"));
  });

  test("takes what is the operator's own Redis user last", () => {
    write("quantum-ops.env", "REDIS_URL=redis://ops@127.0.0.1:1\n");
    expect(envOf({})).toMatchObject({ REDIS_URL: "redis://ops@127.0.0.1:1" });
  });

  test("holds no secret where none is wanted", () => {
    expect(hostEnv({ settings }, {}, { namespace: undefined, wanted: "no_secrets" })).not.toHaveProperty(
      "BINANCE_API_KEY_FILE",
    );
    expect(hostEnv({ settings }, {}, { namespace: undefined, wanted: "none" })).toBeNull();
  });

  test("refuses a file that systemd might read otherwise, naming file and line", () => {
    write("quantum.env", "BINANCE_TESTNET=true\nexport REDIS_URL=x\n");
    expect(() => envOf({})).toThrow(`${settings}/quantum.env, line 2 is not NAME=value: expected NAME=value lines`);
  });

  test("a host without an installation has none", () => {
    rmSync(settings, { recursive: true });
    expect(envOf({})).toBeNull();
  });
});
