import { hostClock } from "../../adapters/host/clock.ts";
import { candlesOf } from "../../config/candles.ts";
import { readBounded } from "../../config/file.ts";
import { MOMENTS, moment } from "../../config/moment.ts";
import { loadPolicy } from "../../config/policy.ts";
import { Failure, Refusal } from "../../config/refusal.ts";
import { type Decimal, decimal, plain, ZERO } from "../../core/decimal.ts";
import { readable } from "../../core/exit-decision.ts";
import { type ExitPolicy, type LegPolicy, policyFor } from "../../core/exit-policy.ts";
import { beginReplay, type Candle, type Replay, replayCandle } from "../../core/exit-replay.ts";
import type { Position } from "../../core/position.ts";
import type { UnixMillis } from "../../core/time.ts";
import { coloursWanted, type ExitCode, type Io } from "../io.ts";
import { type Flags, isSet, text } from "../options.ts";
import { type PathPoint, type ReplayView, renderReplay, replayDocument } from "../render-replay.ts";

/** Binance's own files have about 60 MB for a year of minutes. */
const BYTES_MAX = 268_435_456;

/** After this long a person wonders whether it hangs. */
const SAY_EVERY_MS = 2_000;

/** Between two looks at the clock, and at whether it is to stop. */
const CANDLES_AT_ONCE = 500;

/** Where the width is not known. */
const COLUMNS = 100;

/** Runs `quantum brain replay`. */
export async function replay(flags: Flags, io: Io): Promise<ExitCode> {
  const policyFile = text(flags, "policy") ?? "";
  const candleFile = text(flags, "candles") ?? "";
  const policy = loadPolicy(policyFile);
  const rules = rulesFor(policy, text(flags, "symbol"), policyFile);
  const leg = openedLeg(flags, rules);
  const given = entryTime(text(flags, "entry-time"));
  const content = readBounded("--candles", candleFile, BYTES_MAX);
  const ran = await run(rules, leg, given, candlesOf(candleFile, content), io);
  if (ran === null) {
    throw new Refusal(
      `--entry-time is ${text(flags, "entry-time")}: expected one before the last candle of ${candleFile}`,
    );
  }
  const { begun, first, end, gaps, path, candleOf, skipped } = ran;
  const view: ReplayView = {
    policy: policyFile,
    candles: candleFile,
    leg,
    openedAt: begun.memory.openedAt,
    risk: begun.memory.r?.times(leg.amount.abs()) ?? null,
    firstStop: begun.memory.stop?.level ?? null,
    end,
    path,
    candleOf,
    notes: notes(policy, rules, leg, {
      first,
      gaps,
      skipped,
      guessed: text(flags, "liquidation-price") === undefined,
    }),
  };
  const width = Math.max(60, io.columns ?? COLUMNS);
  io.out(
    isSet(flags, "json")
      ? JSON.stringify(replayDocument(view))
      : renderReplay(view, { colour: coloursWanted(io), width }),
  );
  return 0;
}

interface Ran {
  readonly begun: Replay;
  readonly first: Candle;
  readonly end: Replay;
  readonly path: readonly PathPoint[];
  readonly candleOf: readonly number[];
  /** Candles before the entry. */
  readonly skipped: number;
  readonly gaps: Gaps;
}

/** Times that no candle is about, while the leg was open. */
interface Gaps {
  readonly count: number;
  readonly longestMs: number;
}

/** Reads every candle, also those after the end of the leg: a file that is wrong is refused whole. Null: none is after the entry. */
async function run(
  rules: LegPolicy,
  leg: Position,
  given: UnixMillis | null,
  rows: ReturnType<typeof candlesOf>,
  io: Io,
): Promise<Ran | null> {
  let begun: { readonly replay: Replay; readonly candle: Candle } | null = null;
  let now: Replay | null = null;
  let skipped = 0;
  let gaps: Gaps = { count: 0, longestMs: 0 };
  let closedAt: UnixMillis | null = null;
  const path: PathPoint[] = [];
  const candleOf: number[] = [];
  let saidAt = hostClock.now();
  let read = 0;
  for (const { candle, progress } of rows) {
    if (++read % CANDLES_AT_ONCE === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      if (io.signal.aborted) throw new Failure("Stopped before the end of the candles");
      if (hostClock.now() - saidAt >= SAY_EVERY_MS) {
        io.err(`Replayed ${readable(decimal(String(read)))} candles, ${Math.floor(progress * 100)} % of the file`);
        saidAt = hostClock.now();
      }
    }
    if (given !== null && candle.openedAt < given) {
      skipped++;
      continue;
    }
    const missingMs = closedAt === null || now?.leg === null ? 0 : candle.openedAt - closedAt - 1;
    if (missingMs > 0) gaps = { count: gaps.count + 1, longestMs: Math.max(gaps.longestMs, missingMs) };
    closedAt = candle.closedAt;
    begun ??= { replay: beginReplay(rules, leg, given ?? candle.openedAt), candle };
    now = replayCandle(rules, now ?? begun.replay, candle);
    for (let i = candleOf.length; i < now.decisions.length; i++) candleOf.push(path.length);
    const stop = now.leg === null ? null : now.memory.stop;
    const close = Number(plain(candle.close));
    path.push({ openedAt: candle.openedAt, close, stop: stop === null ? null : Number(plain(stop.level)) });
  }
  return begun === null || now === null
    ? null
    : { begun: begun.replay, first: begun.candle, end: now, path, candleOf, skipped, gaps };
}

/** Which rules are meant is not ours to guess where a symbol has its own. */
function rulesFor(policy: ExitPolicy, symbol: string | undefined, file: string): LegPolicy {
  if (symbol !== undefined) return policyFor(policy, symbol);
  if (policy.symbols.size === 0) return policy.defaults;
  const names = [...policy.symbols.keys()].slice(0, 3).join(", ");
  throw new Refusal(`--symbol is not given, and ${file} has rules of its own for ${names}: expected --symbol, any`);
}

function openedLeg(flags: Flags, rules: LegPolicy): Position {
  const entryPrice = positive(flags, "entry", "a price above 0, such as 60000") ?? ZERO;
  const size = positive(flags, "size", "a quantity above 0, such as 0.5") ?? ZERO;
  const leverage = positive(flags, "leverage", "a number from 1 to 150, such as 10");
  if (leverage !== null && (leverage.lt("1") || leverage.gt("150"))) {
    throw new Refusal(`--leverage is "${plain(leverage)}": expected a number from 1 to 150, such as 10`);
  }
  if (rules.stopLoss?.of === "margin" && leverage === null) {
    throw new Refusal("--leverage is not given, and the stop loss is in percent of margin: expected it, such as 10");
  }
  const symbol = text(flags, "symbol") ?? "POSITION";
  if (!/^[\p{Lu}\p{Lo}\p{Nd}_]+$/u.test(symbol)) {
    throw new Refusal(`--symbol is ${JSON.stringify(symbol)}: expected one as the venue writes it, such as BTCUSDT`);
  }
  const long = flags["side"] !== "short";
  const liquidation = positive(flags, "liquidation-price", "a price above 0, such as 55000");
  if (liquidation !== null && (long ? liquidation.gte(entryPrice) : liquidation.lte(entryPrice))) {
    const where = long ? "below" : "above";
    throw new Refusal(
      `--liquidation-price is "${plain(liquidation)}": expected one ${where} the entry of a ${long ? "long" : "short"}`,
    );
  }
  return {
    symbol,
    positionSide: "BOTH",
    amount: long ? size : size.neg(),
    entryPrice,
    markPrice: entryPrice,
    unrealizedPnl: ZERO,
    ...(leverage === null ? {} : { leverage }),
    ...liquidationOf(entryPrice, long, leverage, liquidation),
  };
}

/** By leverage alone the margin is used up at one part in so many of the entry price. */
function liquidationOf(
  entry: Decimal,
  long: boolean,
  leverage: Decimal | null,
  given: Decimal | null,
): Pick<Position, "liquidationPrice"> {
  if (given !== null) return { liquidationPrice: given };
  if (leverage === null) return {};
  const margin = entry.div(leverage);
  const price = long ? entry.minus(margin) : entry.plus(margin);
  return { liquidationPrice: price.gt(ZERO) ? price.round(8, 0) : null };
}

function positive(flags: Flags, name: string, expected: string): Decimal | null {
  const given = text(flags, name);
  if (given === undefined) return null;
  const value = /^\d{1,15}(\.\d{1,15})?$/.test(given) ? decimal(given) : null;
  if (value?.gt("0")) return value;
  throw new Refusal(`--${name} is ${JSON.stringify(given)}: expected ${expected}`);
}

function entryTime(given: string | undefined): UnixMillis | null {
  if (given === undefined) return null;
  const time = moment(given);
  if (time !== null) return time;
  throw new Refusal(`--entry-time is ${JSON.stringify(given)}: expected ${MOMENTS}`);
}

/** What a reader would otherwise take for granted. */
function notes(
  policy: ExitPolicy,
  rules: LegPolicy,
  leg: Position,
  { first, gaps, skipped, guessed }: Pick<Ran, "first" | "gaps" | "skipped"> & { readonly guessed: boolean },
): readonly string[] {
  const found = ["fees, funding and slippage are not in it; closes are at the mark that caused them"];
  const { entryPrice, liquidationPrice } = leg;
  if (entryPrice.gt(first.high) || entryPrice.lt(first.low)) {
    const range = `${readable(first.low)} to ${readable(first.high)}`;
    found.push(`the entry price ${readable(entryPrice)} is not among those of the first candle, ${range}`);
  }
  if (gaps.count > 0) {
    const longest = `the longest of ${readable(decimal(String(Math.round(gaps.longestMs / 1_000))))} s`;
    const places = gaps.count === 1 ? "1 place" : `${gaps.count} places`;
    found.push(`candles are missing in ${places}, ${longest}: the price jumps there, its way is not known`);
  }
  if (skipped > 0) found.push(`${skipped} candles that began before the entry are left out`);
  if (rules.liquidationDistancePercent !== null && liquidationPrice === undefined) {
    found.push("liquidation-distance is not in it: --leverage or --liquidation-price says where liquidation is");
  }
  if (guessed && liquidationPrice) {
    found.push(`liquidation is taken to be at ${readable(liquidationPrice)}, by leverage alone: the venue's is nearer`);
  }
  if (policy.portfolio.dailyLossPercent !== null || policy.portfolio.drawdownPercent !== null) {
    found.push("the limits of the portfolio are not in it: they need the account's equity");
  }
  return found;
}
