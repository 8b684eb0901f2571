/** Policies as files, and policies at random. */

import fc from "fast-check";
import { type Decimal, decimal, plain, sum, ZERO } from "../../src/core/decimal.ts";
import {
  durationName,
  type ExitPolicy,
  type LegPolicy,
  type PortfolioPolicy,
  type Target,
  targetName,
} from "../../src/core/exit-policy.ts";

/** A policy as the file that says it: each symbol says all of its rules. */
export function printPolicy({ defaults, symbols, portfolio }: ExitPolicy): string {
  const lines = ["defaults:", ...legLines(defaults, "  ")];
  if (symbols.size > 0) lines.push("symbols:");
  for (const [name, leg] of symbols) lines.push(`  ${name}:`, ...legLines(leg, "    "));
  const { dailyLossPercent, drawdownPercent } = portfolio;
  lines.push("portfolio:", `  daily-loss: ${percent(dailyLossPercent)}`, `  drawdown: ${percent(drawdownPercent)}`);
  return `${lines.join("\n")}\n`;
}

function legLines(leg: LegPolicy, indent: string): readonly string[] {
  const { breakEven, ladder, stopLoss, timeLimitMs, trailing } = leg;
  const lines = [`stop-loss: ${stopLoss === null ? "off" : `${percent(stopLoss.percent)} of ${stopLoss.of}`}`];
  lines.push(ladder.length === 0 ? "take-profit: off" : "take-profit:");
  for (const { at, closePercent } of ladder) {
    lines.push(`  - at: ${targetName(at)}`, `    close: ${percent(closePercent)}`);
  }
  const even = breakEven && `{ at: ${targetName(breakEven.at)}, offset: ${percent(breakEven.offsetPercent)} }`;
  const from = trailing?.activation ? `activation: ${targetName(trailing.activation)}, ` : "";
  lines.push(
    `break-even: ${even ?? "off"}`,
    `trailing-stop: ${trailing === null ? "off" : `{ ${from}distance: ${targetName(trailing.distance)} }`}`,
    `time-limit: ${timeLimitMs === null ? "off" : durationName(timeLimitMs)}`,
    `liquidation-distance: ${percent(leg.liquidationDistancePercent)}`,
    `backstop: ${percent(leg.backstopPercent)}`,
  );
  return lines.map((line) => `${indent}${line}`);
}

function percent(value: Decimal | null): string {
  return value === null ? "off" : `${plain(value)} %`;
}

/** Millionths, so that places behind the point are part of it. */
function number(min: number, max: number): fc.Arbitrary<Decimal> {
  return fc
    .integer({ min: Math.round(min * 1_000_000), max: Math.round(max * 1_000_000) })
    .map((millionths) => decimal(String(millionths)).div(decimal("1000000")));
}

const part = number(0.000001, 99.999999);
const rule = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { nil: null });

const SPANS_MS = [1_000, 60_000, 3_600_000, 86_400_000] as const;

function leg(): fc.Arbitrary<LegPolicy> {
  const stopLoss = fc.record({ percent: part, of: fc.constantFrom("entry" as const, "margin" as const) });
  return rule(stopLoss).chain((stop) => {
    const units: readonly Target["unit"][] = stop === null ? ["percent"] : ["percent", "r"];
    const unit = fc.constantFrom(...units);
    const target = fc.record({ unit, value: number(0.000001, 50) });
    const atLeast = stop?.of === "entry" ? stop.percent : ZERO;
    return fc.record({
      stopLoss: fc.constant(stop),
      ladder: ladder(unit),
      breakEven: rule(
        fc
          .tuple(target, number(0, 1))
          .map(([at, share]) => {
            const one = at.unit === "percent" || stop === null ? decimal("1") : stop.percent;
            const offset = at.value.times(one).times(share).round(6, 0);
            return { at, offsetPercent: offset };
          })
          .filter(({ at, offsetPercent }) => {
            const reached = at.unit === "percent" || stop === null ? at.value : at.value.times(stop.percent);
            return offsetPercent.lt(reached) && offsetPercent.lt("100");
          }),
      ),
      trailing: rule(fc.record({ activation: rule(target), distance: target })),
      timeLimitMs: rule(
        fc.tuple(fc.integer({ min: 1, max: 366 }), fc.constantFrom(...SPANS_MS)).map(([n, ms]) => n * ms),
      ),
      liquidationDistancePercent: rule(part),
      backstopPercent: beyond(atLeast),
    });
  });
}

/** Further than that, or none: where nothing is further a filter would look for ever. */
function beyond(percent: Decimal): fc.Arbitrary<Decimal | null> {
  const millionths = Number(plain(percent.times("1000000")));
  return millionths >= 99_999_999 ? fc.constant(null) : rule(number((millionths + 1) / 1_000_000, 99.999999));
}

/** Rising, in one unit, and no more than all of it. */
function ladder(unit: fc.Arbitrary<Target["unit"]>): fc.Arbitrary<LegPolicy["ladder"]> {
  const steps = fc.array(fc.record({ rise: number(0.000001, 50), closePercent: number(0.000001, 25) }), {
    maxLength: 4,
  });
  return fc.tuple(unit, steps).map(([unit, steps]) =>
    steps.map(({ closePercent }, i) => ({
      at: { unit, value: sum(steps.slice(0, i + 1).map(({ rise }) => rise)) },
      closePercent,
    })),
  );
}

const SYMBOLS = ["BTCUSDT", "ETHUSDC", "1000SHIBUSDT", "BTCUSDT_231229", "币安人生USDT"] as const;

const portfolio: fc.Arbitrary<PortfolioPolicy> = fc.record({
  dailyLossPercent: rule(part),
  drawdownPercent: rule(part),
});

/** Any policy that has a rule. */
export const anyPolicy: fc.Arbitrary<ExitPolicy> = fc
  .record({
    defaults: leg(),
    symbols: fc
      .uniqueArray(fc.tuple(fc.constantFrom(...SYMBOLS), leg()), { maxLength: 3, selector: ([name]) => name })
      .map((entries) => new Map<string, LegPolicy>(entries)),
    portfolio,
  })
  .filter(({ portfolio, defaults }) => portfolio.dailyLossPercent !== null || defaults.stopLoss !== null);
