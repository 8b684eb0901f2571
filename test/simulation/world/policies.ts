/** The exit policy of a run: whether the brain has one, and which; drawn from a stream of its own. */

import { type Decimal, decimal } from "../../../src/core/decimal.ts";
import type { ExitPolicy, LadderStep, LegPolicy, Target } from "../../../src/core/exit-policy.ts";
import type { ExitsSetup } from "../../../src/sim/world/brain-policy.ts";
import { type Draw, pick, stream } from "../../../src/sim/world/draw.ts";

/** Leaves the policy out, as a fault is left out: the brain then only watches. */
export const POLICY = "policy";
/** Of all runs: one of these takes twice as long as one without. */
const SHARE = 0.12;

/** The brain's policy in the run of that seed; null: it has none. */
export function exitsOf(seed: number): ExitsSetup | null {
  const draw = stream(seed, POLICY);
  if (draw() >= SHARE) return null;
  const [shadow, autoLive] = [draw() < 0.12, draw() < 0.55];
  const [streams, direct, stopsExpire] = [draw() < 0.6, draw() < 0.5, draw() < 0.5];
  return { policy: policyFrom(draw), shadow, autoLive, streams, direct, stopsExpire };
}

function policyFrom(draw: Draw): ExitPolicy {
  const defaults = rulesFrom(draw);
  const others = rulesFrom(draw);
  const symbols = draw() < 0.3 ? new Map([["ETHUSDT", others]]) : new Map<string, LegPolicy>();
  const dailyLossPercent = draw() < 0.5 ? tenths(draw, 4, 20) : null;
  const drawdownPercent = draw() < 0.5 ? tenths(draw, 4, 20) : null;
  return { defaults, symbols, portfolio: { dailyLossPercent, drawdownPercent } };
}

/** Levels that a mark which wanders by a few percent comes by. */
function rulesFrom(draw: Draw): LegPolicy {
  const percent = tenths(draw, 4, 25);
  const ofMargin = draw() < 0.25;
  const hasStop = draw() < 0.8;
  // The account's leverage is 20.
  const stopLoss = ofMargin
    ? ({ percent: percent.times("20"), of: "margin" } as const)
    : ({ percent, of: "entry" } as const);
  const at = (from: number, to: number): Target =>
    hasStop && draw() < 0.5
      ? { unit: "r", value: tenths(draw, from * 2, to * 2) }
      : { unit: "percent", value: tenths(draw, from, to) };
  return {
    stopLoss: hasStop ? stopLoss : null,
    ladder: draw() < 0.7 ? ladderFrom(draw, hasStop) : [],
    breakEven: draw() < 0.35 ? { at: at(3, 12), offsetPercent: pick(draw, [decimal("0"), decimal("0.1")]) } : null,
    trailing: draw() < 0.5 ? { activation: draw() < 0.5 ? at(2, 10) : null, distance: at(3, 15) } : null,
    timeLimitMs: draw() < 0.2 ? 1_000 * Math.round(10 + 50 * draw()) : null,
    liquidationDistancePercent: draw() < 0.05 ? decimal("40") : null,
    backstopPercent: draw() < 0.5 ? tenths(draw, 10, 50) : null,
  };
}

function ladderFrom(draw: Draw, inR: boolean): readonly LadderStep[] {
  const unit = inR && draw() < 0.5 ? "r" : "percent";
  const steps = 1 + Math.floor(3 * draw());
  const shares = pick(draw, [
    ["50", "30", "20"],
    ["33.3", "33.3", "33.4"],
    ["10", "20", "30"],
  ]);
  return shares.slice(0, steps).map((share, i) => {
    const value = tenths(draw, 3, 8).plus(decimal(`${i}`).times("0.6"));
    return { at: { unit, value }, closePercent: decimal(share) };
  });
}

/** A number of tenths as a decimal: 4 to 25 is 0.4 to 2.5. */
function tenths(draw: Draw, from: number, to: number): Decimal {
  return decimal(`${Math.round(from + (to - from) * draw())}`).div("10");
}
