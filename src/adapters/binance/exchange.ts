/** The `Exchange` port on Binance USDⓈ-M Futures. */

import { plain, ZERO } from "../../core/decimal.ts";
import type { CloseOrder, Position, RestingOrder } from "../../core/position.ts";
import { known, type Reading, unknown } from "../../core/reading.ts";
import type { UnixMillis } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CancelOutcome, CloseOutcome, Exchange } from "../../ports/exchange.ts";
import type { ExitVenue } from "../../ports/exit-venue.ts";
import { KEY_REJECTED, meaningForClose, NO_SUCH_ORDER, NOTHING_TO_CANCEL, refusesKey } from "./errors.ts";
import { binanceExits } from "./exit-venue.ts";
import { objectionToSide } from "./last-gate.ts";
import { type ListenKeys, listenKeys } from "./listen-key.ts";
import { causeOfRejectedKey } from "./portfolio-margin.ts";
import type { OrderLimits } from "./rate-limits.ts";
import { type Answer, type RestOptions, rest } from "./rest.ts";
import type { QueryParams } from "./signature.ts";
import {
  type AccountConfig,
  complaint,
  type OrderReport,
  readAccountConfig,
  readAccountPositions,
  readAlgoOrders,
  readCancelledAll,
  readCancelledOne,
  readFillTimes,
  readOrder,
  readOrderLimits,
  readPositionMode,
  readPositions,
  readRegularOrders,
  readRulebook,
} from "./wire.ts";

/** The venue's own default. A narrow window gets orders dropped under load, when they matter most (binance.md 2.5, -5028). */
const RECV_WINDOW_MS = 5_000;

/** A read answers in tens of ms; this leaves a pass of 10 s room for two rounds of reads and the orders between. */
const QUERY_DEADLINE_MS = 2_500;

/** An order that has not been answered by then is looked for by reading: there is no second send. */
const ORDER_DEADLINE_MS = 3_500;

/** Several MiB, read while nothing is in a hurry. */
const EXCHANGE_INFO_DEADLINE_MS = 20_000;

/** Sockets kept warm for a round of reads: positions, two order lists, the mode, the idle worker's own list, the clock. */
const QUERY_SOCKETS_WARM = 8;

/** The most fills that Binance returns in one answer. */
const FILLS_MAX = 1_000;

/** The legs with a position or an order; the older v2 lists every symbol and is announced to go. */
const POSITIONS_PATH = "/fapi/v3/positionRisk";

/**
 * Where the open legs are read, each asked when those before it failed or are late: the same rows for every symbol, from
 * another service (binance.md 4.2), and the account with its legs, without marks (4.3).
 */
const POSITION_LISTS: readonly (readonly [path: string, parse: (json: unknown) => readonly Position[]])[] = [
  [POSITIONS_PATH, readPositions],
  ["/fapi/v2/positionRisk", readPositions],
  ["/fapi/v3/account", readAccountPositions],
];

/** How long a list may be late before the next one is asked beside it; an error does not wait for this. */
const POSITIONS_LATE_MS = 700;

/** Where each family of resting orders is cancelled; neither call touches the other's. */
const CANCEL_ALL_PATH: Readonly<Record<RestingOrder["family"], string>> = {
  regular: "/fapi/v1/allOpenOrders",
  algo: "/fapi/v1/algoOpenOrders",
};

/** Where one order of a family is cancelled, and what its id is called there. */
const CANCEL_ONE: Readonly<Record<RestingOrder["family"], { readonly path: string; readonly id: string }>> = {
  regular: { path: "/fapi/v1/order", id: "orderId" },
  algo: { path: "/fapi/v1/algoOrder", id: "algoId" },
};

/** The statuses after which nothing more of an order is executed. */
const TERMINAL: ReadonlySet<string> = new Set(["FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"]);

/** How to reach one account. */
export interface BinanceOptions {
  /** See `baseUrlFor`; also a simulated exchange or a proxy, which may add a path prefix. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** HMAC secret, or Ed25519 or RSA private key in PEM. */
  readonly secret: string;
  /** PEM certificates to trust besides the public ones. */
  readonly caPem?: string | undefined;
  readonly clock: Clock;
  /** How old a request may be when the venue sees it; default 5000 ms. */
  readonly recvWindowMs?: number | undefined;
  /** For each read and cancel; default 2500 ms. */
  readonly queryDeadlineMs?: number | undefined;
  /** For each close order; default 3500 ms. */
  readonly orderDeadlineMs?: number | undefined;
  /** Opens the connections; real ones by default. */
  readonly openPool?: RestOptions["openPool"];
}

/** The port, that of an exit policy, what a check-up asks besides, and the end of its sockets. */
export type BinanceExchange = Exchange & {
  /** The same account over the same sockets, under the same limits and by the same clock. */
  readonly exits: ExitVenue;
  /** Whether the account may trade, and its position mode. */
  account(): Promise<Reading<AccountConfig>>;
  /** The account's own order limits. */
  orderLimits(): Promise<Reading<OrderLimits>>;
  /** The keys of the account's stream, by the same connections and under the same limits as every call. */
  readonly listenKeys: ListenKeys;
  /** Closes all sockets; calls in flight settle as unknown. */
  dispose(): Promise<void>;
};

/**
 * The real venue. Sockets are kept for 55 s after their last use, less if the venue announces less: call `warm` more often
 * than that. Each socket warmed costs one of the address's 2400 requests a minute (binance.md 3).
 *
 * @throws {Error} naming the setting, if one cannot be used. The secret is not quoted.
 */
export function binanceExchange(options: BinanceOptions): BinanceExchange {
  const { clock } = options;
  const queryDeadlineMs = options.queryDeadlineMs ?? QUERY_DEADLINE_MS;
  const orderDeadlineMs = options.orderDeadlineMs ?? ORDER_DEADLINE_MS;
  const venue = rest({ ...options, recvWindowMs: options.recvWindowMs ?? RECV_WINDOW_MS, queryDeadlineMs });

  async function timedPing(sockets: "queries" | "orders"): Promise<{ readonly ms: number; readonly answer: Answer }> {
    const startedAt = clock.now();
    const answer = await venue.ping(sockets);
    return { ms: clock.now() - startedAt, answer };
  }

  async function fillTimes(symbol: string, since: UnixMillis): Promise<Reading<readonly UnixMillis[]>> {
    const reading = await venue.read(
      "/fapi/v1/userTrades",
      [
        ["symbol", symbol],
        ["startTime", `${since}`],
        ["limit", `${FILLS_MAX}`],
      ],
      readFillTimes,
    );
    if (!reading.known || reading.value.length < FILLS_MAX) return reading;
    return unknown(
      `GET /fapi/v1/userTrades: ${symbol} has ${FILLS_MAX} fills or more since ${since}; the last is not in the answer`,
    );
  }

  return {
    async positions() {
      const asked: Promise<Reading<readonly Position[]>>[] = [];
      for (const [path, parse] of POSITION_LISTS) {
        asked.push(venue.read(path, [], parse));
        const late = new AbortController();
        const inTime = await Promise.race([
          firstKnown(asked),
          clock.sleep(POSITIONS_LATE_MS, late.signal).then(() => null),
        ]);
        late.abort();
        if (inTime?.known) return inTime;
      }
      return await firstKnown(asked);
    },

    async restingOrders() {
      const [regular, algo] = await Promise.all([
        venue.read("/fapi/v1/openOrders", [], readRegularOrders),
        venue.read("/fapi/v1/openAlgoOrders", [], readAlgoOrders),
      ]);
      if (!regular.known) return regular;
      return algo.known ? known([...regular.value, ...algo.value]) : algo;
    },

    positionMode: () => venue.read("/fapi/v1/accountConfig", [], readPositionMode),

    async cancel({ symbol, family, orderId }) {
      const { path, id } = orderId === null ? { path: CANCEL_ALL_PATH[family], id: null } : CANCEL_ONE[family];
      const which: QueryParams = id === null || orderId === null ? [] : [[id, orderId]];
      const answer = await venue.change("DELETE", path, [["symbol", symbol], ...which], queryDeadlineMs);
      return cancelOutcome(path, answer, orderId === null ? readCancelledAll : readCancelledOne);
    },

    async close(order) {
      const objection = objectionTo(order);
      if (objection !== null) return { kind: "refused", cause: "other", code: null, why: objection };
      return closeOutcome(order, await venue.change("POST", "/fapi/v1/order", orderParams(order), orderDeadlineMs));
    },

    async warm(sockets) {
      const clockTrouble = await venue.refreshClock();
      let slowestMs = 0;
      // One kind after the other: a pass that begins now finds those free that are not being pinged.
      for (const [kind, count] of [
        ["queries", QUERY_SOCKETS_WARM],
        ["orders", sockets],
      ] as const) {
        // Sent in one go, so that no ping can reuse another's socket.
        for (const { ms, answer } of await Promise.all(Array.from({ length: count }, () => timedPing(kind)))) {
          if (answer.kind !== "ok") return unknown(answer.why);
          slowestMs = Math.max(slowestMs, ms);
        }
      }
      return clockTrouble === null ? known(slowestMs) : unknown(clockTrouble);
    },

    async lookUp(order) {
      const { symbol, clientOrderId } = order;
      const answer = await venue.ask("/fapi/v1/order", [
        ["symbol", symbol],
        ["origClientOrderId", clientOrderId],
      ]);
      if (answer.kind === "ok") return reportedOutcome(order, answer.json, "GET /fapi/v1/order");
      const absent = answer.kind === "error" && answer.error.code === NO_SUCH_ORDER;
      return { kind: "unknown", why: answer.why, ...(absent ? { absent } : {}) };
    },

    rulebook: () =>
      venue.readPublic(
        "/fapi/v1/exchangeInfo",
        (json) => {
          venue.setOrderLimits(readOrderLimits(json));
          return readRulebook(json);
        },
        EXCHANGE_INFO_DEADLINE_MS,
      ),

    async lastFillAt(symbols, since) {
      let last: UnixMillis | null = null;
      for (const reading of await Promise.all(symbols.map((symbol) => fillTimes(symbol, since)))) {
        if (!reading.known) return reading;
        for (const time of reading.value) if (time >= since && (last === null || time > last)) last = time;
      }
      return known(last);
    },

    async access() {
      const answer = await venue.ask(POSITIONS_PATH, []);
      if (answer.kind === "ok") return { kind: "granted" };
      if (answer.kind !== "error" || !refusesKey(answer.error)) return { kind: "unknown", why: answer.why };
      const cause =
        answer.error.code === KEY_REJECTED
          ? await causeOfRejectedKey(options.baseUrl, venue.askElsewhere)
          : `${meaningForClose(answer.error).reason}; expected a key of this venue with futures enabled`;
      return { kind: "refused", why: `${answer.why} (${cause})` };
    },

    now: () => venue.venueTime(),

    orderBudget: () => venue.orderBudget(),

    silentUntil: () => venue.silentUntil(),

    account: () => venue.read("/fapi/v1/accountConfig", [], readAccountConfig),

    orderLimits: () => venue.read("/fapi/v1/rateLimit/order", [], readOrderLimits),

    exits: binanceExits(venue, { clock, queryDeadlineMs, orderDeadlineMs }),

    listenKeys: listenKeys(venue, queryDeadlineMs),

    dispose: () => venue.dispose(),
  };
}

/** The first reading that is known; if none is, all the reasons. Every reading settles by its own deadline. */
async function firstKnown<T>(readings: readonly Promise<Reading<T>>[]): Promise<Reading<T>> {
  const answered = readings.map(async (reading) => {
    const answer = await reading;
    if (!answer.known) throw new Error(answer.why);
    return answer;
  });
  try {
    return await Promise.any(answered);
  } catch (error) {
    const whys = error instanceof AggregateError ? error.errors.map(complaint) : [complaint(error)];
    return unknown(whys.join("; "));
  }
}

/** Why an order must not be sent, or null. */
function objectionTo(order: CloseOrder): string | null {
  if (order.quantity.lte(ZERO)) {
    return `Not sent: quantity ${plain(order.quantity)} of ${order.symbol} is not above zero`;
  }
  return objectionToSide(order);
}

/**
 * In hedge mode the leg and its closing side are what makes an order reduce, and `reduceOnly` is refused (-1106); in
 * one-way mode `reduceOnly` is. Selling can only close a long leg, and buying a short one.
 */
function orderParams({ symbol, side, mode, quantity, limitPrice, clientOrderId }: CloseOrder): QueryParams {
  const reducing: QueryParams =
    mode === "one_way" ? [["reduceOnly", "true"]] : [["positionSide", side === "SELL" ? "LONG" : "SHORT"]];
  const kind: QueryParams =
    limitPrice === null
      ? [["type", "MARKET"]]
      : [
          ["type", "LIMIT"],
          ["timeInForce", "IOC"],
          ["price", plain(limitPrice)],
        ];
  return [
    ["symbol", symbol],
    ["side", side],
    ...reducing,
    ...kind,
    ["quantity", plain(quantity)],
    ["newClientOrderId", clientOrderId],
    ["newOrderRespType", "RESULT"],
  ];
}

function closeOutcome(order: CloseOrder, answer: Answer): CloseOutcome {
  switch (answer.kind) {
    case "lost":
      // Not one byte was written, and none will be: that is as certain as a refusal by the venue.
      return answer.sent === "no"
        ? { kind: "refused", cause: answer.cause, code: null, why: answer.why }
        : { kind: "unknown", why: answer.why };
    case "error": {
      const meaning = meaningForClose(answer.error);
      const why = `${answer.why} (${meaning.reason})`;
      if (meaning.outcome === "unknown") return { kind: "unknown", why };
      return { kind: "refused", cause: meaning.cause, code: answer.error.code, why };
    }
    case "ok":
      return reportedOutcome(order, answer.json, "POST /fapi/v1/order");
  }
}

function reportedOutcome(order: CloseOrder, json: unknown, call: string): CloseOutcome {
  let report: OrderReport;
  try {
    report = readOrder(json);
  } catch (error) {
    return { kind: "unknown", why: `${call}: the answer cannot be read: ${complaint(error)}` };
  }
  if (report.clientOrderId !== order.clientOrderId || report.symbol !== order.symbol) {
    const whose = `${report.clientOrderId} on ${report.symbol}`;
    return {
      kind: "unknown",
      why: `${call}: asked for ${order.clientOrderId} on ${order.symbol}, the answer is about ${whose}`,
    };
  }
  if (order.mode === "one_way" && report.reduceOnly === false) {
    // Seen on a venue that dropped the flag (ccxt#18743). Whatever was executed may have turned the position.
    return {
      kind: "unknown",
      why: `${call}: order ${report.orderId} was sent as reduce-only and came back with reduceOnly false: it may have opened a position`,
    };
  }
  if (!TERMINAL.has(report.status)) {
    const sofar = `order ${report.orderId} is ${report.status} with ${plain(report.executed)} executed`;
    return { kind: "unknown", why: `${call}: ${sofar}: not its final state` };
  }
  return { kind: "executed", orderId: report.orderId, executed: report.executed };
}

function cancelOutcome(path: string, answer: Answer, read: (json: unknown) => void): CancelOutcome {
  if (answer.kind === "error" && answer.error.code === NOTHING_TO_CANCEL) return { kind: "cancelled" };
  if (answer.kind !== "ok") return { kind: "failed", why: answer.why };
  try {
    read(answer.json);
    return { kind: "cancelled" };
  } catch (error) {
    return { kind: "failed", why: `DELETE ${path}: the answer cannot be read: ${complaint(error)}` };
  }
}
