/** One incident from its event to its end: the worker and the watchdog as they ship, Binance's client, the venue, all on virtual time. */

import { binanceExchange } from "../../src/adapters/binance/exchange.ts";
import { type Decimal, decimal, plain } from "../../src/core/decimal.ts";
import { EEW_LIMITS } from "../../src/core/eew.ts";
import type { Completion, PanicEvent } from "../../src/core/messages.ts";
import { legName, type Position, type PositionSide } from "../../src/core/position.ts";
import type { Instant, UnixMillis } from "../../src/core/time.ts";
import { WATCHDOG_LIMITS } from "../../src/core/watchdog-state.ts";
import type { EewBus } from "../../src/ports/bus.ts";
import type { Log } from "../../src/ports/log.ts";
import { UNSUPERVISED } from "../../src/ports/service.ts";
import { runEew } from "../../src/roles/eew.ts";
import { runWatchdog } from "../../src/roles/watchdog.ts";
import type { VenuePolicy } from "../../src/sim/admission.ts";
import { SimulatedBus } from "../../src/sim/bus.ts";
import { VirtualClock } from "../../src/sim/clock.ts";
import { FaultBook, type FaultScript } from "../../src/sim/faults.ts";
import { FaultyGateway } from "../../src/sim/faulty-gateway.ts";
import type { GatewayRequest } from "../../src/sim/gateway.ts";
import type { AlgoRequest, OrderRequest } from "../../src/sim/orders.ts";
import { DEFAULT_SYMBOLS, type SymbolRules } from "../../src/sim/symbols.ts";
import { Venue } from "../../src/sim/venue.ts";
import { SECOND_LINE } from "../support/second-line.ts";
import { virtualPools } from "../support/virtual-pool.ts";

/** What is set up, and what goes wrong. */
export interface Scene {
  readonly hedge: boolean;
  readonly positions: readonly {
    readonly symbol: string;
    readonly positionSide: PositionSide;
    readonly amount: string;
  }[];
  readonly orders: readonly OrderRequest[];
  readonly algoOrders: readonly AlgoRequest[];
  /** Protective stops end with their leg, as Binance documents, or stay. */
  readonly stopsExpire: boolean;
  /** Market orders of these symbols are refused by the price band until the faults end. */
  readonly blocked: readonly string[];
  /** How the marks move after the event: by how much of themselves, and when. */
  readonly moves: readonly { readonly symbol: string; readonly factor: string; readonly afterMs: number }[];
  readonly faults: FaultScript;
  /** The faults begin before the worker has got warm, or with the event. */
  readonly faultsFromStart: boolean;
  /** Where Binance's behaviour is not known for certain. */
  readonly policy?: Partial<VenuePolicy>;
  /** The contracts listed, if others than the usual ones. */
  readonly listed?: readonly SymbolRules[];
  /** What else is set up, before the worker starts. */
  readonly prepare?: (venue: Venue, apiKey: string) => void;
  /** The life ends after this many reports, if it has not ended flat before; as many as it takes if not given. */
  readonly passes?: number;
}

/** A one-way account without positions, on a quiet day, changed as the test says. */
export function aScene(changes: Partial<Scene>): Scene {
  return {
    hedge: false,
    positions: [],
    orders: [],
    algoOrders: [],
    stopsExpire: true,
    blocked: [],
    moves: [],
    faults: { rules: [], seed: null },
    faultsFromStart: false,
    ...changes,
  };
}

/** What the worker said at the end of one pass, beside the truth. */
interface Verdict {
  readonly completion: Completion;
  /** From the event's arrival at the worker to the report. */
  readonly tookMs: number;
  /** Nothing was open and nothing rested at some moment since the last order of the pass was sent. */
  readonly wasFlat: boolean;
  /** The legs that were open at some moment, and empty at another one of this pass. */
  readonly legsEmptied: number;
}

/** All that happened. */
export interface Life {
  readonly verdicts: readonly Verdict[];
  /** Everything that was sent from the event on. */
  readonly requests: readonly GatewayRequest[];
  /** Orders by their client id, in the order in which they were sent. */
  readonly orderIds: readonly string[];
  /** Fills of the worker's orders that grew or turned a leg. */
  readonly grown: readonly string[];
  /** What is open or rests at the end. */
  readonly left: readonly string[];
  readonly lines: readonly string[];
}

const API_KEY = "life-key";
const SECRET = "life-secret";
const STARTS_AT = 1_795_000_020_000 as UnixMillis;
const LATENCY_MS = 50;
const LISTS_LATE_MS = 16_000;
const WARM_UP_MS = 2_500;
/** After this many reports the faults end: whatever is left must then be closed. */
const FAULTY_PASSES = 3;
const LIFE_MS = 400_000;

/** Lives through one incident. */
export async function live(scene: Scene): Promise<Life> {
  const clock = new VirtualClock(STARTS_AT);
  const venue = stage(scene, clock);
  // Older than the latest list can be: none shows the account as it was before the scene was set.
  await clock.runUntil(() => false, LISTS_LATE_MS);
  const faults = new FaultBook();
  const gateway = new FaultyGateway(venue, { latencyMs: LATENCY_MS, faults });
  const truth = observe(venue, clock);
  const requests: GatewayRequest[] = [];
  const sent = (request: GatewayRequest): void => {
    requests.push(request);
    truth.sent(request);
  };
  const openPool = virtualPools(gateway, clock, { sent, executed: truth.look });
  const exchange = binanceExchange({ baseUrl: "http://127.0.0.1", apiKey: API_KEY, secret: SECRET, clock, openPool });
  const bus = new SimulatedBus(clock);
  const lines: string[] = [];
  const log: Log = { write: (_level, text) => void lines.push(`${clock.now()} ${text}`) };
  const stop = new AbortController();
  const verdicts: Verdict[] = [];

  if (scene.faultsFromStart) faults.play(scene.faults);
  const eewBus = overheard(bus.eew("worker"), clock, truth, (verdict) => {
    verdicts.push(verdict);
    if (verdicts.length === FAULTY_PASSES) calm(venue, faults);
  });
  const identity = { serviceId: "life", instanceId: "life" };
  const rulebooks = { load: () => new Map(), save: () => true };
  const roles = [
    runEew(
      { clock, bus: eewBus, exchange, rulebooks, log, limits: EEW_LIMITS, identity, ...SECOND_LINE },
      { signal: stop.signal },
    ),
    runWatchdog(
      { clock, service: UNSUPERVISED, bus: bus.watchdog(), direct: null, log, limits: WATCHDOG_LIMITS, identity },
      stop.signal,
    ),
  ];
  await clock.runUntil(() => false, WARM_UP_MS);
  if (!scene.faultsFromStart) faults.play(scene.faults);
  const event: PanicEvent = {
    eventId: "550e8400-e29b-41d4-a716-446655440000",
    reason: "LIFE",
    issuedBy: "ops",
    ts: clock.wall(),
  };
  for (const { symbol, factor, afterMs } of scene.moves) {
    clock.at((clock.now() + afterMs) as Instant, () => {
      venue.setMark(symbol, plain(venue.mark(symbol).times(decimal(factor))));
      truth.look();
    });
  }
  requests.length = 0;
  await bus.publish(event);
  const enough = scene.passes ?? Number.POSITIVE_INFINITY;
  const ended = (): boolean => verdicts.at(-1)?.completion.outcome === "FLAT" || verdicts.length >= enough;
  await clock.runUntil(ended, LIFE_MS);
  stop.abort();
  await clock.runUntil(() => false, 30_000);
  await Promise.all(roles);
  return { verdicts, requests, orderIds: truth.orderIds, grown: truth.grown(), left: truth.left(), lines };
}

function stage(scene: Scene, clock: VirtualClock): Venue {
  const policy = { protectiveStopsExpire: scene.stopsExpire, ...scene.policy };
  const venue = new Venue({ now: () => clock.wall(), symbols: scene.listed ?? DEFAULT_SYMBOLS, ...policy });
  venue.addAccount({ apiKey: API_KEY, secret: SECRET, hedge: scene.hedge });
  for (const position of scene.positions) venue.openPosition(API_KEY, position);
  for (const order of scene.orders) ignoreRefusal(() => venue.place(API_KEY, order));
  for (const algo of scene.algoOrders) ignoreRefusal(() => venue.placeAlgo(API_KEY, algo));
  for (const symbol of scene.blocked) venue.setMarketBlocked(symbol, true);
  scene.prepare?.(venue, API_KEY);
  return venue;
}

/** A drawn order may not fit the drawn account; the scene then does without it. */
function ignoreRefusal(place: () => unknown): void {
  try {
    place();
  } catch {
    // Refused: nothing was placed.
  }
}

function calm(venue: Venue, faults: FaultBook): void {
  faults.clear();
  for (const { symbol } of venue.symbols()) venue.setMarketBlocked(symbol, false);
}

/** The venue's truth, as it changes. */
interface Truth {
  readonly orderIds: string[];
  /** Takes note of what the account holds now. */
  look(): void;
  sent(request: GatewayRequest): void;
  beginPass(): void;
  wasFlat(): boolean;
  legsEmptied(): number;
  grown(): readonly string[];
  left(): readonly string[];
}

function observe(venue: Venue, clock: VirtualClock): Truth {
  const orderIds: string[] = [];
  let lastFlatAt = -1;
  let lastSentAt = 0;
  const everOpen = new Set<string>();
  let emptied = new Set<string>();
  const initial = new Map(venue.positions(API_KEY).map((leg): [string, Decimal] => [legName(leg), leg.amount]));
  const openLegs = (): ReadonlyMap<string, Position> =>
    new Map(venue.positions(API_KEY).map((leg): [string, Position] => [legName(leg), leg]));
  const left = (): readonly string[] => [
    ...venue.positions(API_KEY).map((leg) => `${legName(leg)} ${plain(leg.amount)}`),
    ...venue.openOrders(API_KEY).map(({ symbol, orderId }) => `${symbol} order ${orderId}`),
    ...venue.openAlgoOrders(API_KEY).map(({ symbol, algoId }) => `${symbol} algo order ${algoId}`),
  ];
  const look = (): void => {
    const open = openLegs();
    for (const leg of open.keys()) everOpen.add(leg);
    for (const leg of everOpen) if (!open.has(leg)) emptied.add(leg);
    if (left().length === 0) lastFlatAt = clock.now();
  };
  look();
  return {
    orderIds,
    look,
    left,
    sent: ({ method, path, query }) => {
      if (method !== "POST" || path !== "/fapi/v1/order") return;
      orderIds.push(new URLSearchParams(query).get("newClientOrderId") ?? "no id");
      lastSentAt = clock.now();
    },
    beginPass: () => {
      emptied = new Set();
      lastSentAt = clock.now();
      look();
    },
    wasFlat: () => lastFlatAt >= lastSentAt,
    legsEmptied: () => emptied.size,
    grown: () => growth(venue, initial),
  };
}

/** Every fill is taken in its order; those of the worker's orders must bring their leg nearer to nothing. */
function growth(venue: Venue, initial: ReadonlyMap<string, Decimal>): readonly string[] {
  const amounts = new Map(initial);
  return venue.fills(API_KEY).flatMap((fill) => {
    const leg = legName(fill);
    const before = amounts.get(leg) ?? decimal("0");
    const signed = fill.side === "BUY" ? fill.quantity : fill.quantity.neg();
    const now = before.plus(signed);
    amounts.set(leg, now);
    const order = venue.order(API_KEY, fill.symbol, { orderId: fill.orderId });
    if (!order?.clientOrderId.startsWith("q-")) return [];
    const shrinks = now.abs().lt(before.abs()) && (now.eq("0") || now.gt("0") === before.gt("0"));
    return shrinks ? [] : [`${order.clientOrderId}: ${leg} from ${plain(before)} to ${plain(now)}`];
  });
}

/** The worker's side of the bus, with each report judged the moment it is made. */
function overheard(bus: EewBus, clock: VirtualClock, truth: Truth, judge: (verdict: Verdict) => void): EewBus {
  let beganAt = 0;
  return {
    ...bus,
    writeHalt: (halt) => {
      beganAt = clock.now();
      truth.beginPass();
      return bus.writeHalt(halt);
    },
    report: async (delivery, completion, halt) => {
      truth.look();
      const [wasFlat, legsEmptied] = [truth.wasFlat(), truth.legsEmptied()];
      const answer = await bus.report(delivery, completion, halt);
      judge({ completion, tookMs: clock.now() - beganAt, wasFlat, legsEmptied });
      return answer;
    },
  };
}
