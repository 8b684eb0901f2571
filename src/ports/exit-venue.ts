import type { ProtectiveStop, ProtectOutcome, RestingStop } from "../core/backstop.ts";
import type { Decimal } from "../core/decimal.ts";
import type { LegFill, MarkExtremes, PastOrder } from "../core/exit-recall.ts";
import type { Transfers } from "../core/portfolio.ts";
import type { Reading } from "../core/reading.ts";
import type { UnixMillis } from "../core/time.ts";

export type { ProtectiveStop, ProtectOutcome, RestingStop } from "../core/backstop.ts";
export type { MarkExtremes } from "../core/exit-recall.ts";

/**
 * What an exit policy needs of the venue beside `Exchange`. As there, no method rejects and each settles within the adapter's own
 * deadline; nothing here can open or grow a position.
 */
export interface ExitVenue {
  /** Wallet and unrealized profit of the whole account, in USD (Binance, account v3, `totalMarginBalance`). */
  equity(): Promise<Reading<Decimal>>;
  /** So that a withdrawal is no loss. */
  transfersSince(since: UnixMillis): Promise<Reading<Transfers>>;
  /** Places a stop, once. */
  protect(stop: ProtectiveStop): Promise<ProtectOutcome>;
  /** The `closePosition` stop-market orders that rest, whoever placed them. */
  protectiveStops(): Promise<Reading<readonly RestingStop[]>>;
  /** The symbol's fills from then on, oldest first; unknown where not all of them could be read. */
  fillsSince(symbol: string, since: UnixMillis): Promise<Reading<readonly LegFill[]>>;
  /** The symbol's regular orders that were sent from then on, oldest first; unknown where not all of them could be read. */
  ordersSince(symbol: string, since: UnixMillis): Promise<Reading<readonly PastOrder[]>>;
  /** The highest and lowest mark since then, by the venue's minute candles; a minute more is included where it begins in one. */
  markExtremesSince(symbol: string, since: UnixMillis): Promise<Reading<MarkExtremes>>;
}
