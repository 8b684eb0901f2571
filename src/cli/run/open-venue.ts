import { type BinanceExchange, binanceExchange } from "../../adapters/binance/exchange.ts";
import { hostClock } from "../../adapters/host/clock.ts";
import { Refusal } from "../../config/refusal.ts";
import type { VenueConfig } from "../../config/venue.ts";

/**
 * Connects to the venue, and makes sure that it does not refuse the key. A venue that does not answer is no
 * reason not to start: a protector must be there when it comes back.
 *
 * @throws {Refusal} naming what is wrong with the key.
 */
export async function openVenue(config: VenueConfig): Promise<BinanceExchange> {
  const { baseUrl, apiKey, secret } = config;
  const exchange = connect(config);
  const access = await exchange.access();
  if (access.kind !== "refused") return exchange;
  await exchange.dispose();
  throw new Refusal(
    `${baseUrl} refuses BINANCE_API_KEY or BINANCE_API_SECRET, ${access.why}: expected a key of this venue with futures enabled`,
  );

  function connect({ caPem }: VenueConfig): BinanceExchange {
    try {
      return binanceExchange({ baseUrl, apiKey, secret, clock: hostClock, caPem: caPem ?? undefined });
    } catch (error) {
      throw new Refusal(error instanceof Error ? error.message : String(error));
    }
  }
}
