import type { Decimal } from "../core/decimal.ts";
import type { CloseOrder, Position, RestingOrder } from "../core/position.ts";
import type { Reading } from "../core/reading.ts";
import type { UnixMillis } from "../core/time.ts";

/** What became of one close order. */
export type CloseOutcome =
  /** The venue's final word on the order. `executed` may be less than asked for: the rest was not filled. */
  | { readonly kind: "executed"; readonly orderId: string; readonly executed: Decimal }
  /** Certain: nothing of the order was or will be executed. */
  | { readonly kind: "refused"; readonly code: number | null; readonly why: string }
  /** It may have been executed in full, in part or not at all. Only a later read can tell. */
  | { readonly kind: "unknown"; readonly why: string };

/** What became of one cancel request. */
export type CancelOutcome = { readonly kind: "cancelled" } | { readonly kind: "failed"; readonly why: string };

/**
 * The venue, as far as leaving it is concerned. Nothing here can open or grow a position.
 *
 * No method rejects and each one settles within the adapter's own deadline: what could not be learned comes
 * back as a value that says so.
 */
export interface Exchange {
  /** The open legs. An empty list is only ever the venue's own answer, never a failed read. */
  positions(): Promise<Reading<readonly Position[]>>;
  /** All resting orders of both families; unknown if either family could not be read. */
  restingOrders(): Promise<Reading<readonly RestingOrder[]>>;
  /** Cancels every order of one family on one symbol. Cancelling nothing is `cancelled`. */
  cancel(symbol: string, family: RestingOrder["family"]): Promise<CancelOutcome>;
  /** Sends one close order, once. It is never sent again here, whatever happens. */
  close(order: CloseOrder): Promise<CloseOutcome>;
  /** Opens and proves at least `sockets` connections and refreshes the clock offset; the value is the slowest answer in ms. */
  warm(sockets: number): Promise<Reading<number>>;
  /** The venue's time of the last fill of any of `symbols` at or after `since` (venue time); `null` if there was none. */
  lastFillAt(symbols: readonly string[], since: UnixMillis): Promise<Reading<UnixMillis | null>>;
}
