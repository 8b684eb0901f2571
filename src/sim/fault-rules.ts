/** Fault scripts as JSON → rules. A script that is wrong anywhere is refused as a whole, with the place and what was expected. */

import * as z from "zod/mini";
import { ANSWER_NAMES, answerNamed, answerWithCode, type FaultAnswer } from "./fault-answers.ts";
import { type Effect, targets } from "./fault-effects.ts";
import { INTENSITY_DEFAULT } from "./fault-seed.ts";
import type { FaultRule, FaultScript } from "./faults.ts";
import { HISTORY_MS } from "./history.ts";

/** An hour: nothing that is tested lasts longer. */
const MS_MAX = 3_600_000;
const SEED_MAX = 4_294_967_295;
/** How much of a wrong value a message repeats. */
const SHOWN_CHARS_MAX = 80;

// Each `error` says what was expected; `complaint` puts the place and the value before it.
const whole = (min: number, max: number) => {
  const error = `a whole number from ${min} to ${max}`;
  return z
    .number({ error })
    .check(z.refine((value) => Number.isInteger(value) && value >= min && value <= max, { error }));
};
const text = (error: string, pattern: RegExp) => z.string({ error }).check(z.regex(pattern, { error }));
const ms = whole(0, MS_MAX);
const retryAfterS = z.optional(whole(1, MS_MAX / 1_000));
const executes = z.boolean({ error: "true or false: whether the venue executes the request all the same" });
const body = z.string({ error: "a string, sent as it is" });

const ANSWER = "an answer: a code such as -1007, a name such as executionUnknown, or status and msg";
const answer = {
  name: z.optional(z.enum(ANSWER_NAMES, { error: `one of ${ANSWER_NAMES.join(", ")}` })),
  code: z.optional(z.nullable(z.number({ error: "an error code, or null for none" }))),
  status: z.optional(whole(100, 599)),
  msg: z.optional(z.string({ error: "a string" })),
  body: z.optional(body),
};

const effect = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({ kind: z.literal("refuse"), ...answer }),
    z.strictObject({ kind: z.literal("executed_but"), ...answer }),
    z.strictObject({ kind: z.literal("late"), ms, ...answer }),
    z.strictObject({ kind: z.literal("hang"), executes }),
    z.strictObject({ kind: z.literal("reset"), executes }),
    z.strictObject({ kind: z.literal("cut"), executes }),
    z.strictObject({ kind: z.literal("drip"), ms }),
    z.strictObject({ kind: z.literal("delay"), ms }),
    z.strictObject({ kind: z.literal("garbage"), executes, body }),
    z.strictObject({
      kind: z.literal("partial"),
      fraction: text("a decimal string from 0 to 1, for example 0.5", /^(0(\.\d{1,8})?|1(\.0{1,8})?)$/),
    }),
    z.strictObject({ kind: z.literal("stale"), ms: whole(0, HISTORY_MS) }),
    z.strictObject({ kind: z.literal("ban"), ms, retryAfterS }),
    z.strictObject({ kind: z.literal("throttle"), ms, retryAfterS }),
    z.strictObject({ kind: z.literal("order_limit"), ms }),
  ],
  {
    error:
      "an effect with kind refuse, executed_but, late, hang, reset, cut, drip, delay, garbage, partial, stale, ban, throttle or order_limit",
  },
);

const when = z.strictObject(
  {
    method: z.optional(z.enum(["GET", "POST", "PUT", "DELETE"], { error: "GET, POST, PUT or DELETE" })),
    path: z.optional(text("a path without a query, for example /fapi/v1/order", /^\/[^?#\s]*$/)),
    symbol: z.optional(text("a symbol, for example BTCUSDT", /^\S+$/)),
  },
  { error: "an object with method, path or symbol" },
);

const rule = z.strictObject(
  {
    when: z.optional(when),
    skip: z.optional(whole(0, 1_000_000)),
    times: z.optional(z.nullable(whole(1, 1_000_000))),
    // biome-ignore lint/suspicious/noThenProperty: a word of the script; nobody awaits a rule.
    then: effect,
  },
  { error: "a rule with then, and where needed when, skip and times" },
);

const script = z.strictObject(
  {
    rules: z.optional(z.array(rule, { error: "a list of rules" })),
    seed: z.optional(whole(0, SEED_MAX)),
    intensity: z.optional(
      z
        .number({ error: "a number above 0 and up to 1" })
        .check(z.refine((value) => value > 0 && value <= 1, { error: "a number above 0 and up to 1" })),
    ),
  },
  { error: "an object with rules, seed or both" },
);

/**
 * Parses a script: `{"rules": […]}`, `{"seed": 7}` or both; a bare list counts as the rules.
 *
 * @throws {Error} with one line: the rule and key, the value found there and what was expected.
 */
export function parseFaultScript(value: unknown): FaultScript {
  const input = Array.isArray(value) ? { rules: value } : value;
  const result = z.safeParse(script, input);
  if (!result.success) throw new Error(complaint(input, result.error.issues));
  const { rules, seed, intensity } = result.data;
  if (rules === undefined && seed === undefined) throw new Error("The script is empty: expected rules, seed or both");
  if (seed === undefined && intensity !== undefined)
    throw new Error(`intensity is ${intensity}: expected a seed with it`);
  return {
    rules: (rules ?? []).map(readRule),
    seed: seed === undefined ? null : { seed, intensity: intensity ?? INTENSITY_DEFAULT },
  };
}

/** A rule in the words of the script, with every default spelt out. */
export function showRule({ when: match, skip, times, effect: does }: FaultRule): Readonly<Record<string, unknown>> {
  const { kind, ...rest } = does;
  const told = "answer" in rest ? { ...rest, ...rest.answer, answer: undefined } : rest;
  // biome-ignore lint/suspicious/noThenProperty: a word of the script; nobody awaits a rule.
  return { when: match, skip, times, then: { kind, ...told } };
}

function readRule(raw: z.infer<typeof rule>, index: number): FaultRule {
  const at = `rules[${index}]`;
  const does = readEffect(raw.then, `${at}.then`);
  const match = raw.when ?? {};
  const only = targets(does.kind);
  if (only !== null && ![...only].some((target) => couldBe(match, target))) {
    const expected = [...only].join(", ");
    throw new Error(`${at}.when is ${JSON.stringify(match)}: expected for ${does.kind} one of ${expected}`);
  }
  return { when: match, skip: raw.skip ?? 0, times: raw.times === undefined ? 1 : raw.times, effect: does };
}

function couldBe({ method, path }: FaultRule["when"], target: string): boolean {
  const [itsMethod, itsPath] = target.split(" ");
  return (method ?? itsMethod) === itsMethod && (path ?? itsPath) === itsPath;
}

function readEffect(raw: z.infer<typeof effect>, at: string): Effect {
  switch (raw.kind) {
    case "refuse":
    case "executed_but":
      return { kind: raw.kind, answer: readAnswer(raw, at) };
    case "late":
      return { kind: raw.kind, ms: raw.ms, answer: readAnswer(raw, at) };
    default:
      return raw;
  }
}

interface RawAnswer {
  readonly name?: string | undefined;
  readonly code?: number | null | undefined;
  readonly status?: number | undefined;
  readonly msg?: string | undefined;
  readonly body?: string | undefined;
}

/** The documented answer of the name or code, changed by what else is said; without either, what is said must be enough. */
function readAnswer(raw: RawAnswer, at: string): FaultAnswer {
  const documented =
    raw.name !== undefined ? answerNamed(raw.name) : typeof raw.code === "number" ? answerWithCode(raw.code) : null;
  const status = raw.status ?? documented?.status;
  const msg = raw.msg ?? documented?.msg ?? (raw.body === undefined ? undefined : "");
  if (status === undefined || msg === undefined) {
    const known = typeof raw.code === "number" ? ` (${raw.code} is not documented)` : "";
    throw new Error(`${at} does not say what is answered${known}: expected ${ANSWER}`);
  }
  return {
    status,
    code: raw.code === undefined ? (documented?.code ?? null) : raw.code,
    msg,
    // A text of one's own replaces a documented page, too.
    body: raw.body ?? (raw.msg === undefined ? (documented?.body ?? null) : null),
  };
}

function complaint(input: unknown, issues: readonly z.core.$ZodIssue[]): string {
  const [issue] = issues;
  if (issue === undefined) return "The script is not valid";
  const name = placeOf(issue.path);
  if (issue.code === "unrecognized_keys") return `${name} has ${issue.keys.join(", ")}, which is not known there`;
  const value = valueAt(input, issue.path);
  const found = value === undefined ? "missing" : JSON.stringify(value).slice(0, SHOWN_CHARS_MAX);
  return `${name} is ${found}: expected ${issue.message}`;
}

/** `rules[2].then.ms`, as one would write it in code. */
function placeOf(path: readonly PropertyKey[]): string {
  const place = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return place === "" ? "The script" : place.replace(/^\./, "");
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inside, key) => {
    return typeof inside === "object" && inside !== null ? Reflect.get(inside, key) : undefined;
  }, input);
}
