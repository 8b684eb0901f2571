/** What happens to a brain with a policy besides: a market that wanders, other hands, and blows at its own orders. */

import { type Decimal, decimal, plain, ZERO } from "../../../src/core/decimal.ts";
import { type Draw, pick, span, stream } from "../../../src/sim/world/draw.ts";
import { FAIR, type LinkWeather } from "../../../src/sim/world/link.ts";
import type { RoleName, World } from "../../../src/sim/world.ts";
import { EXIT_FAULTS, type ExitFault, type Fault, type Strike, strikesOf } from "./faults.ts";
import type { Witness } from "./witness.ts";

const SHARE = 0.5;
const SYMBOLS = ["BTCUSDT", "ETHUSDT"] as const;
/** How often the marks move, and by how much of themselves, as a standard deviation or so. */
const STEP_MS = [150, 1_500] as const;
const STEP = [0.000_3, 0.004] as const;
/** So much of the way back to where it began with each step. */
const PULL = 0.03;
const DOWN_MS = [200, 12_000] as const;
const SPELL_MS = [100, 12_000] as const;
/** From the brain's order on: before it arrives, or behind its answer. */
const AFTER_ORDER_MS = [1, 400] as const;
const LATE_HALT_MS = [1_500, 9_000] as const;
/** Where nothing is open for so long the bot opens again. */
const IDLE_MS = [3_000, 15_000] as const;

/** How a storm does what is done to a role. */
interface Blows {
  later(ms: number, then: () => void): void;
  count(fault: Fault, id: string): void;
  isLeftOut(id: string): boolean;
  crash(role: RoleName, downMs: number): void;
  pause(role: RoleName, ms: number): void;
  cutFromVenue(role: RoleName, weather: LinkWeather, ms: number): void;
  emptyRedis(): void;
}

/** The exit faults of one run; begins at once. */
export class ExitStorm {
  readonly #world: World<Witness>;
  readonly #seed: number;
  readonly #blows: Blows;

  constructor(world: World<Witness>, seed: number, lastsMs: number, blows: Blows) {
    this.#world = world;
    this.#seed = seed;
    this.#blows = blows;
    const draw = stream(seed, "exit kinds");
    const kinds = new Set<Fault>(EXIT_FAULTS.filter(() => draw() < SHARE));
    for (const strike of strikesOf(seed, kinds, lastsMs)) {
      if (!blows.isLeftOut(strike.id)) blows.later(strike.atMs, () => this.#strike(strike));
    }
    for (const symbol of SYMBOLS) this.#wander(symbol, stream(seed, `walk of ${symbol}`));
    this.#trade(stream(seed, "bot"));
  }

  #wander(symbol: string, draw: Draw): void {
    const { venue } = this.#world;
    const base = Number(plain(venue.mark(symbol)));
    const [everyMs, size] = [span(draw, ...STEP_MS), STEP[0] * (STEP[1] / STEP[0]) ** draw()];
    let away = 0;
    const move = (): void => {
      const current = Math.log(Number(plain(venue.mark(symbol))) / base);
      away = current * (1 - PULL) + (draw() + draw() + draw() - 1.5) * 2 * size;
      venue.setMark(symbol, (base * Math.exp(away)).toFixed(2));
      this.#blows.later(everyMs, move);
    };
    this.#blows.later(everyMs, move);
  }

  /** What the policy has closed the bot opens again. */
  #trade(draw: Draw): void {
    const again = (): void => {
      const { witness, bus } = this.#world;
      const [symbol, long] = [pick(draw, SYMBOLS), draw() < 0.6];
      const amount = decimal(pick(draw, symbol === "BTCUSDT" ? ["0.5", "0.3", "2"] : ["5", "7.5", "1.007"]));
      if (!witness.anyPass() && bus.haltedSince() === null)
        this.#world.openPosition(symbol, (long ? amount : amount.neg()).toFixed());
      this.#blows.later(span(draw, ...IDLE_MS), again);
    };
    this.#blows.later(span(draw, ...IDLE_MS), again);
  }

  #strike({ fault, id }: Strike): void {
    const draw = stream(this.#seed, id);
    this.#blows.count(fault, id);
    switch (fault as ExitFault) {
      case "hands_reduce":
      case "hands_grow":
      case "hands_turn":
      case "hands_close":
      case "hands_reopen":
        this.#byHand(fault as Hand, draw);
        return;
      case "take_profit_rests":
        if (!this.#world.witness.anyPass()) this.#world.restTakeProfit(pick(draw, SYMBOLS));
        return;
      case "jump":
        this.#jump(draw);
        return;
      case "transfer":
        this.#world.transfer(pick(draw, ["-9000", "-2000", "3000", "12000"]));
        return;
      case "brain_disk": {
        const downMs = span(draw, ...DOWN_MS);
        this.#blows.crash("brain", downMs);
        this.#world.loseExitDisk();
        return;
      }
      case "disk_on_exit": {
        const [afterMs, downMs] = [span(draw, ...AFTER_ORDER_MS), span(draw, ...DOWN_MS)];
        this.#onExit(afterMs, () => {
          this.#blows.crash("brain", downMs);
          this.#world.loseExitDisk();
        });
        return;
      }
      case "crash_on_exit": {
        const [afterMs, downMs] = [span(draw, ...AFTER_ORDER_MS), span(draw, ...DOWN_MS)];
        this.#onExit(afterMs, () => this.#blows.crash("brain", downMs));
        return;
      }
      case "cut_on_exit": {
        const weather = pick(draw, [
          { ...FAIR, loseQuestion: 1 },
          { ...FAIR, loseAnswer: 1 },
        ]);
        const ms = span(draw, ...SPELL_MS);
        this.#onExit(0, () => this.#blows.cutFromVenue("brain", weather, ms));
        return;
      }
      case "pause_workers_on_raise": {
        // Nobody writes the halt for a while.
        const ms = span(draw, ...LATE_HALT_MS);
        this.#world.witness.onRaise.push(() => {
          for (const worker of ["eew1", "eew2"] as const) this.#blows.pause(worker, ms);
        });
        return;
      }
      case "redis_emptied_on_exit":
        this.#onExit(span(draw, ...AFTER_ORDER_MS), () => this.#blows.emptyRedis());
        return;
    }
  }

  /** Once the brain has sent its next order. */
  #onExit(afterMs: number, then: () => void): void {
    const blow = afterMs === 0 ? then : () => this.#blows.later(afterMs, then);
    this.#world.witness.onExit.push(blow);
  }

  #byHand(hand: Hand, draw: Draw): void {
    const { venue, apiKey, witness } = this.#world;
    const symbol = pick(draw, SYMBOLS);
    const { amount } = venue.leg(apiKey, symbol, "BOTH");
    const factor = { hands_reduce: -0.5, hands_grow: 0.5, hands_turn: -1.5, hands_close: -1, hands_reopen: -1 }[hand];
    // What opens in a pass nobody could know of: a list that was read is true as of then.
    if (amount.eq(ZERO) || (witness.anyPass() && hand !== "hands_reduce" && hand !== "hands_close")) return;
    this.#world.tradeByHand(symbol, stepped(amount.times(decimal(`${factor}`))));
    if (hand === "hands_reopen") {
      this.#world.tradeByHand(
        symbol,
        stepped(amount.times(pick(draw, [decimal("0.5"), decimal("1"), decimal("1.5")]))),
      );
    }
  }

  #jump(draw: Draw): void {
    const { venue, trace } = this.#world;
    const symbol = pick(draw, SYMBOLS);
    const factor = 1 + (0.01 + 0.04 * draw()) * (draw() < 0.5 ? -1 : 1);
    trace.tell("market", `${symbol} jumps by ${((factor - 1) * 100).toFixed(1)} %`);
    venue.setMark(symbol, (Number(plain(venue.mark(symbol))) * factor).toFixed(2));
  }
}

type Hand = Extract<ExitFault, `hands_${string}`>;

/** To a thousandth, which is the lot step of both contracts. */
function stepped(amount: Decimal): Decimal {
  return amount.minus(amount.mod("0.001"));
}
