/** Binance's REST interface as calls: signing, the venue's clock, and words for what went wrong. */

import type { OrderBudget } from "../../core/order-budget.ts";
import type { RefusalCause } from "../../core/position.ts";
import { known, type Reading, unknown } from "../../core/reading.ts";
import { after, type Instant, type UnixMillis } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import { type HttpOutcome, type HttpPool, type HttpPoolOptions, type HttpRequest, httpPool } from "../http/pool.ts";
import { TIMESTAMP_OUTSIDE_WINDOW, type VenueError } from "./errors.ts";
import { type OrderLimits, rateLimits } from "./rate-limits.ts";
import { serverTime, type TimeSample } from "./server-time.ts";
import { type QueryParams, queryString, signer } from "./signature.ts";
import { complaint, readBody, readServerTime } from "./wire.ts";

/** Parallel queries: positions, two order lists, three clock samples, and room for fills by symbol. */
const QUERY_SOCKETS_MAX = 32;

/** The account's default order limit for 10 s: more can not usefully be in flight, and none of these waits for another. */
const ORDER_SOCKETS_MAX = 300;

/**
 * The calls that count in the account's order limit; cancels do not (binance.md 3 and 4.8). Whether a conditional order does is
 * not documented; counting one too many costs nothing.
 */
const COUNTED_CALLS: ReadonlySet<string> = new Set(["POST /fapi/v1/order", "POST /fapi/v1/algoOrder"]);

/** Samples per look at the venue's clock, taken in parallel; the fastest counts. */
const CLOCK_SAMPLES = 3;

/**
 * A look at the venue's clock may cost this much, and no more than a third of the query deadline; after that the last
 * offset, or the wall clock, must do. Enough for a cold TLS connection halfway round the world.
 */
const CLOCK_DEADLINE_MS_MAX = 800;

/** Pause before a question is asked again that found no connection. */
const ASK_AGAIN_MS = 100;

/** The answer to one call. `why` is complete: method, path, what happened. It never holds a query, a key or a signature. */
export type Answer =
  | { readonly kind: "ok"; readonly json: unknown }
  /** The venue said no. */
  | { readonly kind: "error"; readonly error: VenueError; readonly why: string }
  /** Certain: not one byte was written. By `cause`, because the address must be silent, or because of the network. */
  | { readonly kind: "lost"; readonly sent: "no"; readonly cause: RefusalCause; readonly why: string }
  /** Nobody knows: no complete answer, or one that cannot be read. */
  | { readonly kind: "lost"; readonly sent: "maybe"; readonly why: string };

/** How to reach one account on one venue. */
export interface RestOptions {
  /** REST base: `https://fapi.binance.com`, or a simulated exchange or proxy, which may add a path prefix. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** HMAC secret, or Ed25519 or RSA private key in PEM. */
  readonly secret: string;
  /** PEM certificates to trust besides the public ones. */
  readonly caPem?: string | undefined;
  readonly clock: Clock;
  /** How old a request may be when the venue sees it, 1 to 60000 ms. */
  readonly recvWindowMs: number;
  /** For everything that only reads, and for cancels. */
  readonly queryDeadlineMs: number;
  /** Opens the connections; `httpPool` unless a test brings a venue of its own. */
  readonly openPool?: ((options: HttpPoolOptions) => HttpPool) | undefined;
}

/**
 * Calls to one account. No method rejects.
 *
 * While the venue wants no calls from this address none is sent, whatever it is for: going on is what turns a refusal of
 * a minute into a ban of days. Such a call settles at once as lost, not sent, and says until when.
 */
export interface Rest {
  /**
   * Asks with a signed GET. Where the venue refuses the timestamp, looks at its clock and asks once more: reading
   * changes nothing. All of it within the query deadline.
   */
  ask(path: string, params: QueryParams): Promise<Answer>;
  /** Asks as `ask` does; what `parse` throws on makes the whole answer unknown. */
  read<T>(path: string, params: QueryParams, parse: (json: unknown) => T): Promise<Reading<T>>;
  /** Asks another host that takes the same key, once, with a signed GET on a socket of its own. */
  askElsewhere(baseUrl: string, path: string): Promise<Answer>;
  /** Sends one signed POST or DELETE, once, over the sockets that no query uses. */
  change(method: "POST" | "DELETE", path: string, params: QueryParams, deadlineMs: number): Promise<Answer>;
  /** Sends one call that wants the API key and no signature, once, within `deadlineMs`. */
  keyed(method: "POST" | "PUT", path: string, deadlineMs: number): Promise<Answer>;
  /** Asks for something public, without a signature, within `deadlineMs`. */
  readPublic<T>(
    path: string,
    parse: (json: unknown) => T,
    deadlineMs: number,
    params?: QueryParams,
  ): Promise<Reading<T>>;
  /** One round trip on a socket of its own, without a signature. */
  ping(sockets: "queries" | "orders"): Promise<Answer>;
  /** What time it is at the venue, give or take half a round trip. Always asks. */
  venueTime(): Promise<Reading<UnixMillis>>;
  /** What time it is at the venue, from memory; by the wall clock until the venue's was looked at. */
  venueNow(): UnixMillis;
  /** Looks at the venue's clock where the last look is too old; null when it is known well, else why not. */
  refreshClock(): Promise<string | null>;
  /** Until when no call is sent; null while calls may be sent. */
  silentUntil(): Instant | null;
  /** What is left of the account's order limit, as far as the answers and our own orders tell. */
  orderBudget(): OrderBudget;
  /** Takes the account's own order limits instead of the documented defaults. */
  setOrderLimits(limits: OrderLimits): void;
  /** Closes all sockets. */
  dispose(): Promise<void>;
}

/**
 * Prepares the calls; connects when first used.
 *
 * @throws {Error} naming the setting, if the base URL, key, secret or window cannot be used. The secret is not quoted.
 */
export function rest(options: RestOptions): Rest {
  const { clock, queryDeadlineMs } = options;
  const clockDeadlineMs = Math.min(CLOCK_DEADLINE_MS_MAX, queryDeadlineMs / 3);
  const { origin, prefix } = parseBaseUrl(options.baseUrl);
  if (!/^[\x21-\x7e]+$/.test(options.apiKey)) throw new Error("Cannot use the API key: expected printable ASCII");
  if (!Number.isInteger(options.recvWindowMs) || options.recvWindowMs < 1 || options.recvWindowMs > 60_000) {
    throw new Error(`Cannot use a recvWindow of ${options.recvWindowMs} ms: expected 1 to 60000`);
  }
  const identity = signer(options.secret);
  const open = options.openPool ?? httpPool;
  const pool = (connections: number): HttpPool => open({ origin, connections, caPem: options.caPem, clock });
  const pools = { queries: pool(QUERY_SOCKETS_MAX), orders: pool(ORDER_SOCKETS_MAX) };
  const time = serverTime();
  const limits = rateLimits();
  let lookingAtClock: Promise<string | null> | null = null;
  /** Pings under way on the sockets for queries. */
  let pinging = 0;

  type Method = "GET" | "POST" | "DELETE";
  const headers = { "X-MBX-APIKEY": options.apiKey, "user-agent": "quantum" };

  // Before the first look at the venue's clock succeeds, the wall clock is the best guess; a wrong one is refused.
  const venueNow = (): UnixMillis => time.timestamp(clock.now()) ?? clock.wall();

  /** The only way to the wire: what the limits forbid is not sent, and every answer tells about the limits. */
  async function send(over: HttpPool, call: string, request: HttpRequest, secrets: readonly string[]): Promise<Answer> {
    const sentAt = clock.now();
    const silence = limits.silence(sentAt);
    if (silence !== null) {
      return { kind: "lost", sent: "no", cause: "address_limit", why: `${call}: ${silence.why}; it was not sent` };
    }
    if (COUNTED_CALLS.has(call)) limits.spend(1, sentAt, venueNow());
    const outcome = await over.send(request);
    const answer = toAnswer(call, outcome, secrets);
    if (outcome.kind === "answer") {
      const { code, message } = answer.kind === "error" ? answer.error : { code: null, message: "" };
      const { status, headers } = outcome;
      limits.learn({ status, headers, code, message, sentAt, now: clock.now(), venueNow: venueNow() });
    }
    return answer;
  }

  function publicCall(over: HttpPool, path: string, deadlineMs: number, params: QueryParams = []): Promise<Answer> {
    const target = params.length === 0 ? path : `${path}?${queryString(params)}`;
    const request = { method: "GET", path: prefix + target, headers: { "user-agent": "quantum" }, deadlineMs } as const;
    return send(over, `GET ${path}`, request, []);
  }

  function signedCall(
    over: HttpPool,
    method: Method,
    path: string,
    params: QueryParams,
    deadlineMs: number,
    pathPrefix: string = prefix,
  ): Promise<Answer> {
    const query = queryString([...params, ["recvWindow", `${options.recvWindowMs}`], ["timestamp", `${venueNow()}`]]);
    const signature = identity.sign(query);
    const request = { method, path: `${pathPrefix}${path}?${query}&signature=${signature}`, headers, deadlineMs };
    return send(over, `${method} ${path}`, request, [options.apiKey, signature, decodeURIComponent(signature)]);
  }

  async function sampleClock(): Promise<TimeSample | string> {
    const sentAt = clock.now();
    const answer = await publicCall(pools.queries, "/fapi/v1/time", clockDeadlineMs);
    if (answer.kind !== "ok") return answer.why;
    try {
      return { sentAt, receivedAt: clock.now(), serverTime: readServerTime(answer.json) };
    } catch (error) {
      return `GET /fapi/v1/time: ${complaint(error)}`;
    }
  }

  async function lookAtClock(): Promise<string | null> {
    const samples: TimeSample[] = [];
    let trouble = "";
    for (const result of await Promise.all(Array.from({ length: CLOCK_SAMPLES }, sampleClock))) {
      if (typeof result === "string") trouble = result;
      else samples.push(result);
    }
    time.learn(samples);
    return samples.length > 0 ? null : trouble;
  }

  /** Takes at most `clockDeadlineMs`. Calls at the same time share one look. */
  function syncClock(): Promise<string | null> {
    lookingAtClock ??= lookAtClock().finally(() => {
      lookingAtClock = null;
    });
    return lookingAtClock;
  }

  async function learnClockOnce(): Promise<void> {
    if (time.timestamp(clock.now()) === null) await syncClock();
  }

  /** The sockets that a read finds free: while those for queries are all being pinged, the others are not. */
  const free = (): HttpPool => (pinging > 0 ? pools.orders : pools.queries);

  const msLeft = (endAt: Instant): number => endAt - clock.now();

  async function ask(path: string, params: QueryParams): Promise<Answer> {
    const endAt = after(clock.now(), queryDeadlineMs);
    await learnClockOnce();
    let answer = await signedCall(free(), "GET", path, params, msLeft(endAt));
    // Nobody has heard the question: it may be asked again, and a venue that is just coming back is heard at once.
    while (unheard(answer) && msLeft(endAt) > ASK_AGAIN_MS) {
      await clock.sleep(ASK_AGAIN_MS);
      answer = await signedCall(free(), "GET", path, params, msLeft(endAt));
    }
    if (!refusedTimestamp(answer) || msLeft(endAt) <= clockDeadlineMs) return answer;
    await syncClock();
    return signedCall(free(), "GET", path, params, msLeft(endAt));
  }

  return {
    ask,
    async read(path, params, parse) {
      const answer = await ask(path, params);
      return parsed(path, answer, parse);
    },
    async askElsewhere(baseUrl, path) {
      const elsewhere = parseBaseUrl(baseUrl);
      const over = httpPool({ origin: elsewhere.origin, connections: 1, caPem: options.caPem, clock });
      try {
        return await signedCall(over, "GET", path, [], queryDeadlineMs, elsewhere.prefix);
      } finally {
        await over.dispose();
      }
    },
    async change(method, path, params, deadlineMs) {
      const endAt = after(clock.now(), deadlineMs);
      await learnClockOnce();
      const answer = await signedCall(pools.orders, method, path, params, msLeft(endAt));
      // Not to send this again, which the caller decides, but so that whatever comes next carries the right time.
      if (refusedTimestamp(answer)) void syncClock();
      return answer;
    },
    keyed: (method, path, deadlineMs) =>
      send(pools.queries, `${method} ${path}`, { method, path: prefix + path, headers, deadlineMs }, [options.apiKey]),
    readPublic: async (path, parse, deadlineMs, params) =>
      parsed(path, await publicCall(pools.queries, path, deadlineMs, params), parse),
    async ping(sockets) {
      if (sockets === "queries") pinging += 1;
      const answer = await publicCall(pools[sockets], "/fapi/v1/ping", queryDeadlineMs);
      if (sockets === "queries") pinging -= 1;
      return answer;
    },
    async venueTime() {
      const sample = await sampleClock();
      if (typeof sample === "string") return unknown(sample);
      return known(Math.round(sample.serverTime + (sample.receivedAt - sample.sentAt) / 2) as UnixMillis);
    },
    venueNow,
    refreshClock: async () => (time.isStale(clock.now()) ? syncClock() : null),
    silentUntil: () => limits.silence(clock.now())?.until ?? null,
    orderBudget: () => limits.orderBudget(clock.now(), venueNow()),
    setOrderLimits: (orderLimits) => limits.setOrderLimits(orderLimits),
    async dispose() {
      await Promise.all([pools.queries.dispose(), pools.orders.dispose()]);
    },
  };
}

function parsed<T>(path: string, answer: Answer, parse: (json: unknown) => T): Reading<T> {
  if (answer.kind !== "ok") return unknown(answer.why);
  try {
    return known(parse(answer.json));
  } catch (error) {
    return unknown(`GET ${path}: the answer cannot be read: ${complaint(error)}`);
  }
}

/** Not one byte of it was written for want of a connection. */
function unheard(answer: Answer): boolean {
  return answer.kind === "lost" && answer.sent === "no" && answer.cause !== "address_limit";
}

function refusedTimestamp(answer: Answer): boolean {
  return answer.kind === "error" && answer.error.code === TIMESTAMP_OUTSIDE_WINDOW;
}

function toAnswer(call: string, outcome: HttpOutcome, secrets: readonly string[]): Answer {
  if (outcome.kind === "no_answer") {
    const why = withoutSecrets(`${call}: ${outcome.why}`, secrets);
    return outcome.sent === "no"
      ? { kind: "lost", sent: "no", cause: "other", why: `${why}; it was not sent` }
      : { kind: "lost", sent: "maybe", why: `${why}; it may have been received` };
  }
  try {
    const body = readBody(outcome.status, outcome.body);
    if (body.ok) return { kind: "ok", json: body.json };
    const { status, code } = body.error;
    const error = { ...body.error, message: withoutSecrets(body.error.message, secrets) };
    return {
      kind: "error",
      error,
      why: `${call}: HTTP ${status}${code === null ? "" : `, code ${code}`}: ${error.message}`,
    };
  } catch {
    return { kind: "lost", sent: "maybe", why: `${call}: HTTP ${outcome.status} with a body that is no JSON` };
  }
}

/** A proxy's or a firewall's message may echo what was sent; a log must not repeat it. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) clean = clean.replaceAll(secret, "…");
  return clean.replace(/\?[^\s"'<>]*=[^\s"'<>]*/g, "?…").replace(/\s+/g, " ");
}

function parseBaseUrl(baseUrl: string): { readonly origin: string; readonly prefix: string } {
  const url = URL.parse(baseUrl);
  const usable =
    url !== null &&
    (url.protocol === "https:" || url.protocol === "http:") &&
    url.username === "" &&
    url.password === "" &&
    url.search === "" &&
    url.hash === "";
  // The text is not quoted: what is wrong with it may be a password inside it.
  if (!usable) {
    throw new Error("Cannot use the venue's base URL: expected http(s)://host[:port][/path] and nothing else");
  }
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, "") };
}
