/** The shape of a policy file: which keys there are, and what each of them takes. Whether the rules fit together is `policy-sense.ts`. */

import { z } from "zod";
import { type Decimal, decimal } from "../core/decimal.ts";
import type { LadderStep, LegPolicy, PortfolioPolicy, Target } from "../core/exit-policy.ts";
import { nearest } from "./nearest.ts";
import { distance, EXPECTED, offset, part, share, span, stopLoss, target } from "./policy-values.ts";
import type { Path } from "./policy-yaml.ts";

/** The rules that a section names: null where it switches one off, absent where it does not speak of it. */
export interface SaidRules {
  readonly "stop-loss"?: LegPolicy["stopLoss"] | undefined;
  readonly "take-profit"?: readonly LadderStep[] | null | undefined;
  readonly "break-even"?: LegPolicy["breakEven"] | undefined;
  readonly "trailing-stop"?: LegPolicy["trailing"] | undefined;
  readonly "time-limit"?: number | null | undefined;
  readonly "liquidation-distance"?: Decimal | null | undefined;
  readonly backstop?: Decimal | null | undefined;
}

/** A rule's key. */
export type RuleKey = keyof SaidRules;

/** A file whose shape is right. */
export interface SaidPolicy {
  readonly defaults: SaidRules;
  readonly symbols: Readonly<Record<string, SaidRules>>;
  readonly portfolio: PortfolioPolicy;
}

/** What is wrong at a place. `found` is for after the key ("is not a key"); null: what stands there says it. */
export interface ShapeProblem {
  readonly path: Path;
  readonly found: string | null;
  readonly expected: string;
}

/** A text that `parse` reads, or is refused with what was expected. */
function value<T>(expected: string, parse: (text: string) => T | null): z.ZodType<T, unknown> {
  return z.string({ error: () => expected }).transform((text, { issues }) => {
    const read = parse(text);
    if (read !== null) return read;
    issues.push({ code: "custom", message: expected, input: text });
    return z.NEVER;
  });
}

/** A rule, or `off`. */
function rule<T>(of: z.ZodType<T, unknown>): z.ZodType<T | null | undefined, unknown> {
  // A key without a value is no way to switch anything off: it is handed on as the text that it is.
  const orNull = z.preprocess((said) => (said === "off" ? null : (said ?? "")), of.nullable());
  return orNull.optional();
}

/** An empty mapping is none: nobody writes one on purpose, and it would say nothing. */
function filled<T>(of: z.ZodType<T, unknown>): z.ZodType<T, unknown> {
  const isEmpty = (said: unknown): boolean =>
    typeof said === "object" && said !== null && Object.keys(said).length === 0;
  return z.preprocess((said) => (isEmpty(said) ? null : said), of);
}

/** A mapping with these keys and no others. */
function mapping<S extends z.ZodRawShape>(expected: string, shape: S): z.ZodObject<S, z.core.$strict> {
  return z.strictObject(shape, { error: (issue) => (issue.code === "unrecognized_keys" ? undefined : expected) });
}

const at = value<Target>(EXPECTED.target, target);

const STEP = '"{ at: 1.5R, close: 50 % }"';

const step = mapping(`a step such as ${STEP}`, { at, close: value(EXPECTED.share, share) }).transform(
  ({ at, close }): LadderStep => ({ at, closePercent: close }),
);

const stepsExpected = `a list of steps such as ${STEP}, or off`;

const ladder = z.array(step, { error: () => stepsExpected }).min(1, stepsExpected);

const noOffset = decimal("0");

const breakEven = z
  .preprocess(
    (said) => (typeof said === "string" ? { at: said } : said),
    mapping('a profit such as "1R", "{ at: 1R, offset: 0.1 % }", or off', {
      at,
      offset: value(EXPECTED.offset, offset).optional(),
    }),
  )
  .transform(({ at, offset }) => ({ at, offsetPercent: offset ?? noOffset }));

const trailing = mapping('"{ activation: 2 %, distance: 1 % }", or off', {
  activation: at.optional(),
  distance: value<Target>(EXPECTED.distance, distance),
}).transform(({ activation, distance }) => ({ activation: activation ?? null, distance }));

const orOff = `${EXPECTED.part}, or off`;

const RULES = {
  "stop-loss": rule(value(`${EXPECTED.stopLoss}, or off`, stopLoss)),
  "take-profit": rule(ladder),
  "break-even": rule(breakEven),
  "trailing-stop": rule(trailing),
  "time-limit": rule(value(`${EXPECTED.span}, or off`, span)),
  "liquidation-distance": rule(value(orOff, part)),
  backstop: rule(value(orOff, part)),
} satisfies Readonly<Record<RuleKey, z.ZodType>>;

const rules = filled<SaidRules>(mapping('rules such as "stop-loss: 2 %"', RULES));

const LIMITS = { "daily-loss": rule(value(orOff, part)), drawdown: rule(value(orOff, part)) };

const portfolio = filled(
  mapping('"daily-loss: 5 %", "drawdown: 10 %" or both', LIMITS).transform(
    (said): PortfolioPolicy => ({
      dailyLossPercent: said["daily-loss"] ?? null,
      drawdownPercent: said.drawdown ?? null,
    }),
  ),
);

/** Binance names contracts after their assets, with a date where they end; some assets have Chinese names. */
const SYMBOL = /^[\p{Lu}\p{Lo}\p{Nd}]{2,40}(_\d{6})?$/u;

const symbols = filled(
  z.record(z.string().regex(SYMBOL), rules, {
    error: () => 'symbols with their rules, such as "BTCUSDT: { stop-loss: 1 % }"',
  }),
);

const file = mapping("a policy, with defaults, symbols or portfolio", {
  defaults: rules.optional(),
  symbols: symbols.optional(),
  portfolio: portfolio.optional(),
});

/** The keys of each place, for the nearest one to a key that is none. */
const KEYS: readonly (readonly [at: RegExp, keys: readonly string[]])[] = [
  [/^$/, ["defaults", "symbols", "portfolio"]],
  [/^portfolio$/, Object.keys(LIMITS)],
  [/take-profit/, ["at", "close"]],
  [/break-even/, ["at", "offset"]],
  [/trailing-stop/, ["activation", "distance"]],
  [/./, Object.keys(RULES)],
];

/** Reads the shape of a file, or says everything that is wrong with it. */
export function readShape(said: unknown): SaidPolicy | { readonly problems: readonly ShapeProblem[] } {
  const read = file.safeParse(said);
  if (!read.success) return { problems: read.error.issues.flatMap(problemsOf) };
  const { defaults = {}, symbols = {}, portfolio } = read.data;
  return { defaults, symbols, portfolio: portfolio ?? { dailyLossPercent: null, drawdownPercent: null } };
}

function problemsOf(issue: z.core.$ZodIssue): readonly ShapeProblem[] {
  const path = issue.path.map((name) => (typeof name === "number" ? name : String(name)));
  if (issue.code === "unrecognized_keys") {
    const at = path.filter((name) => typeof name === "string").join(".");
    const keys = KEYS.find(([place]) => place.test(at))?.[1] ?? [];
    return issue.keys.map((key) => {
      const near = nearest(key, keys);
      const expected = near === null ? `one of ${keys.join(", ")}` : `${near}, perhaps`;
      return { path: [...path, key], found: "is not a key here", expected };
    });
  }
  if (issue.code === "invalid_key") {
    return [{ path, found: "is not a symbol", expected: "one as the venue writes it, such as BTCUSDT" }];
  }
  return [{ path, found: null, expected: issue.message }];
}
