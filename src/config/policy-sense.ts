/** Whether the rules for a leg fit together. Each of them may be right by itself. */

import { type Decimal, decimal, plain, sum } from "../core/decimal.ts";
import { type LegPolicy, type Target, targetName } from "../core/exit-policy.ts";
import type { RuleKey, ShapeProblem } from "./policy-schema.ts";

/** What is wrong, and which rules it comes from: the place is in the first of them. */
export interface SenseProblem extends ShapeProblem {
  readonly rules: readonly [RuleKey, ...RuleKey[]];
}

const HUNDRED = decimal("100");

/** Everything that does not fit together; paths begin at the leg's section. */
export function senseProblems(leg: LegPolicy): readonly SenseProblem[] {
  return [...withoutR(leg), ...ladderProblems(leg), ...breakEvenProblems(leg), ...backstopProblems(leg)];
}

/** R is the distance to a stop loss: without one it is nothing. */
function withoutR(leg: LegPolicy): readonly SenseProblem[] {
  if (leg.stopLoss !== null) return [];
  const targets: readonly (readonly [RuleKey, readonly (string | number)[], Target | null | undefined])[] = [
    ...leg.ladder.map((step, i) => ["take-profit", [i, "at"], step.at] as const),
    ["break-even", ["at"], leg.breakEven?.at],
    ["trailing-stop", ["activation"], leg.trailing?.activation],
    ["trailing-stop", ["distance"], leg.trailing?.distance],
  ];
  return targets.flatMap(([rule, place, target]): readonly SenseProblem[] => {
    if (target?.unit !== "r") return [];
    const expected = "a percentage, or a stop-loss beside it: R is the distance from entry to the first stop loss";
    return [{ path: [rule, ...place], found: null, expected, rules: [rule, "stop-loss"] }];
  });
}

function ladderProblems(leg: LegPolicy): readonly SenseProblem[] {
  const problems: SenseProblem[] = [];
  const all = sum(leg.ladder.map(({ closePercent }) => closePercent));
  if (all.gt(HUNDRED)) {
    const found = `closes ${plain(all)} % in all`;
    problems.push({ path: ["take-profit"], found, expected: "100 % at most", rules: ["take-profit"] });
  }
  leg.ladder.forEach(({ at }, i) => {
    const before = leg.ladder[i - 1];
    if (before === undefined) return;
    const say = (expected: string, rules: SenseProblem["rules"]): void => {
      problems.push({ path: ["take-profit", i, "at"], found: null, expected, rules });
    };
    const [one, other] = [entryPercent(leg, before.at), entryPercent(leg, at)];
    if (one !== null && other !== null) {
      if (other.gt(one)) return;
      const mixed = before.at.unit === at.unit ? "" : ` (${plain(one)} % of the entry price)`;
      say(`more than the step before it, ${targetName(before.at)}${mixed}`, ["take-profit", "stop-loss"]);
    } else if (before.at.unit !== at.unit) {
      // Without a stop loss at all this was said already.
      if (leg.stopLoss === null) return;
      const why = "with a stop loss of margin it depends on the leverage which of them is reached first";
      say(`all steps in R, or all in percent: ${why}`, ["take-profit", "stop-loss"]);
    } else if (!at.value.gt(before.at.value)) {
      say(`more than the step before it, ${targetName(before.at)}`, ["take-profit"]);
    }
  });
  return problems;
}

/** The stop would be put beyond the mark, and close the leg in the same moment. */
function breakEvenProblems(leg: LegPolicy): readonly SenseProblem[] {
  if (leg.breakEven === null) return [];
  const { at, offsetPercent } = leg.breakEven;
  const activation = entryPercent(leg, at);
  // With a stop loss of margin 1R is not known yet. An offset that turns out to be too far closes with a profit.
  if (activation === null || offsetPercent.lt(activation)) return [];
  const expected = `less than the profit at which the stop is moved, ${plain(activation)} %`;
  return [{ path: ["break-even", "offset"], found: null, expected, rules: ["break-even", "stop-loss"] }];
}

function backstopProblems({ backstopPercent, stopLoss }: LegPolicy): readonly SenseProblem[] {
  if (backstopPercent === null || stopLoss?.of !== "entry" || backstopPercent.gt(stopLoss.percent)) return [];
  const expected = `more than the stop loss, ${plain(stopLoss.percent)} %: the venue's stop is for when nobody is there`;
  return [{ path: ["backstop"], found: null, expected, rules: ["backstop", "stop-loss"] }];
}

/** A profit in percent of the entry price; null where it is in R and that is not known before the leg is. */
function entryPercent({ stopLoss }: LegPolicy, { unit, value }: Target): Decimal | null {
  if (unit === "percent") return value;
  return stopLoss?.of === "entry" ? value.times(stopLoss.percent) : null;
}
