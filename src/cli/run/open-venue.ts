import { type BinanceExchange, binanceExchange } from "../../adapters/binance/exchange.ts";
import { hostClock } from "../../adapters/host/clock.ts";
import { Refusal } from "../../config/refusal.ts";
import type { VenueConfig } from "../../config/venue.ts";

/**
 * How long a start waits for the venue's word on the key; a venue that is slower than this has not refused it. Two cold
 * connections fit, the second to ask whether it is a Portfolio Margin account.
 */
const ACCESS_MS = 2_000;

/**
 * Connects to the venue, and makes sure that it does not refuse the key. A venue that does not answer is no
 * reason not to start, nor to start late: a protector must be there when it comes back.
 *
 * @throws {Refusal} naming what is wrong with the key.
 */
export async function openVenue(config: VenueConfig): Promise<BinanceExchange> {
  const exchange = connectVenue(config);
  const noAnswer = hostClock.sleep(ACCESS_MS).then(() => null);
  const access = await Promise.race([exchange.access(), noAnswer]);
  if (access?.kind !== "refused") return exchange;
  await exchange.dispose();
  throw new Refusal(`${config.baseUrl} refuses BINANCE_API_KEY or BINANCE_API_SECRET, ${access.why}`);
}

/**
 * Prepares the connection to the venue, and does not use it yet.
 *
 * @throws {Refusal} naming the setting that can't be used.
 */
export function connectVenue({ baseUrl, apiKey, secret, caPem }: VenueConfig): BinanceExchange {
  try {
    return binanceExchange({ baseUrl, apiKey, secret, clock: hostClock, caPem: caPem ?? undefined });
  } catch (error) {
    throw new Refusal(error instanceof Error ? error.message : String(error));
  }
}
