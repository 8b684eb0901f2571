import { expect, test } from "bun:test";
import { hostEnvironmentObjection } from "../../../src/adapters/host/environment.ts";

test.each([
  ["BUN_OPTIONS", "--preload ./evil.ts"],
  ["BUN_BE_BUN", "1"],
  ["BUN_INSPECT", "ws://127.0.0.1:1/x"],
  ["BUN_INSPECT_PRELOAD", "./evil.ts"],
  ["BUN_OPTIONS", ""],
] as const)("%s=%j runs somebody else's code in here: refused by name", (name, value) => {
  expect(hostEnvironmentObjection({ PATH: "/bin", [name]: value })).toBe(
    `${name} is set: it changes what this executable runs, expected it unset (unset ${name})`,
  );
});

test.each([[{}], [{ PATH: "/bin", BUN_INSTALL: "/opt/bun" }], [{ BUN_OPTIONS: undefined }], [{ NODE_OPTIONS: "--x" }]])(
  "%j is fine",
  (env) => {
    expect(hostEnvironmentObjection(env)).toBeNull();
  },
);
