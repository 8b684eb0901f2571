import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { hostClock } from "../../adapters/host/clock.ts";
import { type Env, variable } from "../../config/env.ts";
import { wholeNumber } from "../../config/number.ts";
import { Refusal } from "../../config/refusal.ts";
import { decimal } from "../../core/decimal.ts";
import type { PositionSide } from "../../core/position.ts";
import { type AccountSpec, LEVERAGE_MAX } from "../../sim/account.ts";
import { type BinanceServer, type BinanceServerOptions, serveBinance } from "../../sim/binance-server.ts";
import { throwAwayCertificate } from "../../sim/certificate.ts";
import { parseFaultScript } from "../../sim/fault-rules.ts";
import { INTENSITY_DEFAULT } from "../../sim/fault-seed.ts";
import { FaultBook, type FaultScript } from "../../sim/faults.ts";
import type { Limits } from "../../sim/rate-limits.ts";
import { DEFAULT_SYMBOLS, manySymbols } from "../../sim/symbols.ts";
import { type PositionSetup, Venue } from "../../sim/venue.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, isSet, text } from "../options.ts";

/** More contracts than Binance lists. */
const SYMBOLS_MAX = 2_000;
const LIMIT_MAX = 1_000_000;
const SEED_MAX = 4_294_967_295;

/** Runs `quantum exchange` until it is asked to stop. */
export async function exchange(flags: Flags, io: Io): Promise<ExitCode> {
  const port = wholeNumber("--port", text(flags, "port"), 0, 65_535) ?? 0;
  const latencyMs = wholeNumber("--latency-ms", text(flags, "latency-ms"), 0, 60_000) ?? 0;
  const key = accountKey(io.env);
  const means = meansOf(flags);
  const limits = limitsOf(flags);
  const marksAtOnce = isSet(flags, "marks-at-once");
  const faults = faultsOf(flags);
  const symbols = wholeNumber("--symbols", text(flags, "symbols"), 1, SYMBOLS_MAX) ?? DEFAULT_SYMBOLS.length;
  const venue = new Venue({ now: hostClock.wall, symbols: manySymbols(symbols) });
  const account = { ...key, ...means, hedge: isSet(flags, "hedge") };
  venue.addAccount({ ...account, portfolioMargin: isSet(flags, "portfolio-margin") });
  for (const position of flags["position"] as readonly string[]) open(venue, key.apiKey, position);
  const caFile = text(flags, "ca-file");
  if (caFile !== undefined && !isSet(flags, "https"))
    throw new Refusal("--ca-file names where the certificate goes: expected --https with it");
  const tls = isSet(flags, "https") ? await throwAwayCertificate() : undefined;
  const server = await serve({
    venue,
    port,
    latencyMs,
    limits,
    faults,
    marksAtOnce,
    ...(tls === undefined ? {} : { tls }),
  });
  if (tls !== undefined && caFile !== undefined) writeFileSync(caFile, tls.certPem);
  io.out(
    isSet(flags, "json") ? JSON.stringify({ base_url: server.url, api_key: key.apiKey }) : welcome(server, key, caFile),
  );
  await new Promise<void>((resolve) => {
    if (io.signal.aborted) resolve();
    else io.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await server.close();
  return 0;
}

interface Key {
  readonly apiKey: string;
  readonly secret: string;
}

/** The key that the environment already has, so that other commands need no other; else a new one. */
function accountKey(env: Env): Key {
  const fresh = (): string => randomBytes(32).toString("hex");
  return {
    apiKey: variable(env, "BINANCE_API_KEY") ?? fresh(),
    secret: variable(env, "BINANCE_API_SECRET") ?? fresh(),
  };
}

function open(venue: Venue, apiKey: string, setup: string): void {
  try {
    venue.openPosition(apiKey, parsePosition(setup));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal(`--position ${setup}: ${why}. Expected for example BTCUSDT=0.002 or ETHUSDT:SHORT=-0.05`);
  }
}

function parsePosition(setup: string): PositionSetup {
  const match = /^([^=:]+)(?::(LONG|SHORT|BOTH))?=(.+)$/.exec(setup);
  const [, symbol, positionSide, amount] = match ?? [];
  if (symbol === undefined || amount === undefined) throw new Error("it is not SYMBOL=AMOUNT");
  decimal(amount);
  return positionSide === undefined
    ? { symbol, amount }
    : { symbol, amount, positionSide: positionSide as PositionSide };
}

/** What the account trades with, where the flags say so. */
function meansOf(flags: Flags): Pick<AccountSpec, "leverage" | "balance"> {
  const leverage = wholeNumber("--leverage", text(flags, "leverage"), 1, LEVERAGE_MAX);
  const balance = text(flags, "balance");
  if (balance !== undefined && !/^\d{1,12}(\.\d{1,8})?$/.test(balance)) {
    throw new Refusal(`--balance is ${JSON.stringify(balance)}: expected an amount that is not negative, e.g. 2500.50`);
  }
  return { ...(leverage === undefined ? {} : { leverage }), ...(balance === undefined ? {} : { balance }) };
}

function limitsOf(flags: Flags): Partial<Limits> {
  const limit = (flag: string) => wholeNumber(`--${flag}`, text(flags, flag), 1, LIMIT_MAX);
  const ordersPer10s = limit("orders-per-10s");
  const ordersPerMinute = limit("orders-per-minute");
  const weightPerMinute = limit("weight-per-minute");
  return {
    ...(ordersPer10s === undefined ? {} : { ordersPer10s }),
    ...(ordersPerMinute === undefined ? {} : { ordersPerMinute }),
    ...(weightPerMinute === undefined ? {} : { weightPerMinute }),
  };
}

/** The rules of the file first; where none of them strikes, the seed. */
function faultsOf(flags: Flags): FaultBook {
  const file = text(flags, "faults");
  const script = file === undefined ? { rules: [], seed: null } : readScript(file);
  const seed = wholeNumber("--faults-seed", text(flags, "faults-seed"), 0, SEED_MAX);
  const faults = new FaultBook();
  faults.play(seed === undefined ? script : { ...script, seed: { seed, intensity: INTENSITY_DEFAULT } });
  return faults;
}

function readScript(file: string): FaultScript {
  const refused = (error: unknown, expected: string): Refusal => {
    const why = error instanceof Error ? error.message : String(error);
    return new Refusal(`--faults ${file}: ${why}${expected}`);
  };
  let script: unknown;
  try {
    script = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw refused(error, ": expected a file with a fault script in JSON");
  }
  try {
    return parseFaultScript(script);
  } catch (error) {
    throw refused(error, "");
  }
}

async function serve(options: BinanceServerOptions): Promise<BinanceServer> {
  try {
    return await serveBinance(options);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal(`--port ${options.port} can't be used, ${why}: expected a free port on 127.0.0.1, or 0`);
  }
}

/** The secret is printed because it opens a simulated account only, and people need it to use the exchange. */
function welcome(server: BinanceServer, { apiKey, secret }: Key, caFile: string | undefined): string {
  return [
    `Simulated exchange on ${server.url}, Ctrl-C stops it. To use it, in another terminal:`,
    "",
    "  export BINANCE_TESTNET=true",
    `  export BINANCE_BASE_URL=${server.url}`,
    `  export BINANCE_API_KEY=${apiKey}`,
    `  export BINANCE_API_SECRET=${secret}`,
    ...(caFile === undefined ? [] : [`  export BINANCE_CA_FILE=${caFile}`]),
  ].join("\n");
}
