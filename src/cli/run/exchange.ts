import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { hostClock } from "../../adapters/host/clock.ts";
import { type Env, variable } from "../../config/env.ts";
import { wholeNumber } from "../../config/number.ts";
import { Refusal } from "../../config/refusal.ts";
import { decimal } from "../../core/decimal.ts";
import type { PositionSide } from "../../core/position.ts";
import { type BinanceServer, serveBinance } from "../../sim/binance-server.ts";
import { type Certificate, throwAwayCertificate } from "../../sim/certificate.ts";
import { type PositionSetup, Venue } from "../../sim/venue.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, isSet, text } from "../options.ts";

/** Runs `quantum exchange` until it is asked to stop. */
export async function exchange(flags: Flags, io: Io): Promise<ExitCode> {
  const port = wholeNumber("--port", text(flags, "port"), 0, 65_535) ?? 0;
  const latencyMs = wholeNumber("--latency-ms", text(flags, "latency-ms"), 0, 60_000) ?? 0;
  const key = accountKey(io.env);
  const venue = new Venue({ now: hostClock.wall });
  venue.addAccount({ ...key, hedge: isSet(flags, "hedge") });
  for (const position of flags["position"] as readonly string[]) open(venue, key.apiKey, position);
  const caFile = text(flags, "ca-file");
  if (caFile !== undefined && !isSet(flags, "https"))
    throw new Refusal("--ca-file names where the certificate goes: expected --https with it");
  const tls = isSet(flags, "https") ? await throwAwayCertificate() : undefined;
  const server = await serve(venue, port, latencyMs, tls);
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

async function serve(
  venue: Venue,
  port: number,
  latencyMs: number,
  tls: Certificate | undefined,
): Promise<BinanceServer> {
  try {
    return await serveBinance(tls === undefined ? { venue, port, latencyMs } : { venue, port, latencyMs, tls });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal(`--port ${port} can't be used, ${why}: expected a free port on 127.0.0.1, or 0`);
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
