/**
 * What one decision costs: from the text in which the venue lists the legs to what is to be done, and to the text of what is
 * to be remembered. Nothing is sent: what waits for a socket costs no CPU.
 */

import { parseJson, readPositions } from "../../../src/adapters/binance/wire.ts";
import { writeRecord } from "../../../src/adapters/exits/record.ts";
import { readPolicy } from "../../../src/config/policy.ts";
import { BRAIN_LIMITS, type BrainState, start, step } from "../../../src/core/brain.ts";
import { decimal, plain } from "../../../src/core/decimal.ts";
import { known } from "../../../src/core/reading.ts";
import type { Instant, UnixMillis } from "../../../src/core/time.ts";
import { Venue } from "../../../src/sim/venue.ts";
import { positionRowV3, shownLegs } from "../../../src/sim/wire-positions.ts";
import { benchContracts } from "../contracts.ts";
import { setScene } from "../scene.ts";
import { LEGS, POLICY_TEXT } from "./policy.ts";

const KEY = "bench-key";
const STARTS_AT = 1_795_000_000_000 as UnixMillis;
/** Until then the runtime compiles. */
const WARM_UP = 200;
const CYCLES = 600;

/** The CPU time of one decision over all legs, in ms. */
export interface DecisionCost {
  /** Everything that the process has used, garbage collection and all, by the number of decisions. */
  readonly meanMs: number;
  readonly medianMs: number;
  readonly worstMs: number;
}

/** Decides `CYCLES` times over marks that never stand still. */
export function decisionCost(): DecisionCost {
  const texts = listings();
  const policy = readPolicy(POLICY_TEXT);
  if (!policy.ok) throw new Error("The policy of the bench can't be read");
  const permission = known({ newestPanic: null, given: null });
  let state: BrainState = start(BRAIN_LIMITS, 0 as Instant, {
    policy: policy.policy,
    shadow: false,
    autoLive: true,
    records: [],
    portfolio: null,
  });
  const wallMs: number[] = [];
  let used = process.cpuUsage();
  for (let cycle = 0; cycle < WARM_UP + CYCLES; cycle++) {
    if (cycle === WARM_UP) used = process.cpuUsage();
    const now = (cycle * BRAIN_LIMITS.cycleMs) as Instant;
    const wall = (STARTS_AT + now) as UnixMillis;
    const from = performance.now();
    const [looking] = step(BRAIN_LIMITS, state, { kind: "timer" }, now);
    const positions = known(readPositions(parseJson(texts[cycle % texts.length] ?? "")));
    const equity = known({ amount: decimal("1000000"), askedAt: now, wall });
    const looked = { kind: "looked", positions, halt: known(null), account: { permission, equity, wall } } as const;
    const [decided, actions] = step(BRAIN_LIMITS, looking, looked, now);
    for (const action of actions) if (action.kind === "remember") action.records.forEach(writeRecord);
    [state] = step(BRAIN_LIMITS, decided, { kind: "beat_confirmed", sentAt: now }, now);
    if (cycle >= WARM_UP) wallMs.push(performance.now() - from);
  }
  const { user, system } = process.cpuUsage(used);
  const sorted = wallMs.toSorted((a, b) => a - b);
  return {
    meanMs: (user + system) / 1_000 / CYCLES,
    medianMs: sorted[CYCLES / 2] ?? 0,
    worstMs: sorted.at(-1) ?? 0,
  };
}

/** What the venue lists, look by look: every mark wanders by two percent, to where no rule closes anything. */
function listings(): readonly string[] {
  const contracts = benchContracts(LEGS);
  const venue = new Venue({ now: () => STARTS_AT, symbols: contracts.map(({ rules }) => rules) });
  venue.addAccount({ apiKey: KEY, secret: "bench-secret", balance: "1000000000" });
  setScene(venue, KEY, contracts, false);
  return Array.from({ length: 40 }, (_, look) => {
    contracts.forEach(({ rules }, index) => {
      const share = decimal(`1.00${(look * 7 + index) % 10}`);
      venue.setMark(rules.symbol, plain(decimal(rules.mark).times(share)));
    });
    const liquidations = venue.liquidations(KEY);
    return JSON.stringify(shownLegs(venue, KEY, null).map((leg) => positionRowV3(venue, KEY, leg, liquidations)));
  });
}
