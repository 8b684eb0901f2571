/** What `quantum brain guard` is told of the bot: the words behind `--`, and how it can be seen to be well. */

import { wholeNumber } from "../config/number.ts";
import { Refusal } from "../config/refusal.ts";
import { GUARD_LIMITS, type GuardLimits } from "../core/guard-state.ts";
import { type Flags, isGiven, isSet, text } from "./options.ts";

/** What was said. */
export interface GuardConfig {
  readonly command: readonly [file: string, ...args: string[]];
  readonly http: URL | null;
  readonly file: { readonly path: string; readonly maxAgeMs: number } | null;
  readonly cmd: string | null;
  readonly probeTimeoutMs: number;
  readonly limits: GuardLimits;
}

/** Two probes in a row may fail before the fence closes. */
const PROBE_TIMEOUT_MS = 1_000;

/**
 * Reads what is guarded, and how.
 *
 * @throws {Refusal} naming the flag that is wrong or missing, and what was expected.
 */
export function guardFlags(flags: Flags, behindDashes: readonly string[] | null): GuardConfig {
  const [file, ...args] = behindDashes ?? [];
  if (file === undefined || file === "") {
    const example = "quantum brain guard -- freqtrade trade --config config.json";
    throw new Refusal(`No bot was given: expected its command line behind --, for example ${example}`);
  }
  const given = (name: string, min: number, max: number): number | undefined =>
    wholeNumber(`--${name}`, text(flags, name), min, max);
  const config: GuardConfig = {
    command: [file, ...args],
    http: probeUrl(text(flags, "probe-http")),
    file: probedFile(text(flags, "probe-file"), given("max-age-ms", 500, 3_600_000)),
    cmd: notEmpty("--probe-cmd", text(flags, "probe-cmd"), "a command line for sh"),
    // A cycle of the guard must come to its end well before the fence closes.
    probeTimeoutMs: given("probe-timeout-ms", 50, 2_000) ?? PROBE_TIMEOUT_MS,
    limits: {
      ...GUARD_LIMITS,
      startUpMs: given("start-up-ms", 1_000, 600_000) ?? GUARD_LIMITS.startUpMs,
      killAfterMs: given("kill-after-ms", 0, 10_000) ?? GUARD_LIMITS.killAfterMs,
      tripOnExit: isSet(flags, "trip-on-exit"),
    },
  };
  refuseIdle(flags, config);
  return config;
}

/** A flag that would change nothing was meant for something. */
function refuseIdle(flags: Flags, { http, file, cmd, limits }: GuardConfig): void {
  const given = (names: readonly string[]): string | undefined => names.find((name) => isGiven(flags, name));
  const ofProbes = given(["probe-timeout-ms", "start-up-ms"]);
  if (ofProbes !== undefined && http === null && file === null && cmd === null) {
    throw new Refusal(`--${ofProbes} is about probes: expected --probe-http, --probe-file or --probe-cmd with it`);
  }
  const line = given(["direct-socket", "direct-url"]);
  if (line !== undefined && !limits.tripOnExit) {
    throw new Refusal(`--${line} is for the panic that the guard raises itself: expected --trip-on-exit with it`);
  }
}

function probeUrl(given: string | undefined): URL | null {
  if (given === undefined) return null;
  const url = URL.canParse(given) ? new URL(given) : null;
  // What stands on a command line is seen by everybody on the machine.
  if (url !== null && (url.username !== "" || url.password !== "")) {
    throw new Refusal("--probe-http holds a user or a password: expected a URL that needs none, or --probe-cmd");
  }
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new Refusal(
    `--probe-http is ${JSON.stringify(given)}: expected a URL such as http://127.0.0.1:8080/api/v1/ping`,
  );
}

function probedFile(flag: string | undefined, maxAgeMs: number | undefined): GuardConfig["file"] {
  const path = notEmpty("--probe-file", flag, "the path of a file that the bot writes to");
  if (path !== null && maxAgeMs !== undefined) return { path, maxAgeMs };
  if (path === null && maxAgeMs === undefined) return null;
  if (path === null) throw new Refusal("--max-age-ms is of a file: expected --probe-file PATH with it");
  throw new Refusal("--probe-file needs to know how old it may be: expected --max-age-ms N with it");
}

function notEmpty(flag: string, given: string | undefined, expected: string): string | null {
  if (given === undefined) return null;
  if (given.trim() !== "") return given;
  throw new Refusal(`${flag} is empty: expected ${expected}`);
}
