import { expect, test } from "bun:test";
import { homedir } from "node:os";
import { stateDirectory } from "../../src/config/state-directory.ts";

test.each([
  ["nothing", {}, `${homedir()}/.local/state/quantum`],
  ["empty variables", { STATE_DIRECTORY: "", XDG_STATE_HOME: "" }, `${homedir()}/.local/state/quantum`],
  ["XDG_STATE_HOME", { XDG_STATE_HOME: "/xdg" }, "/xdg/quantum"],
  ["STATE_DIRECTORY", { STATE_DIRECTORY: "/var/lib/eew", XDG_STATE_HOME: "/xdg" }, "/var/lib/eew"],
  ["several, as systemd passes them", { STATE_DIRECTORY: "/var/lib/eew:/var/lib/other" }, "/var/lib/eew"],
] as const)("with %s set", (_what, env, expected) => {
  expect(stateDirectory(env)).toBe(expected);
});
