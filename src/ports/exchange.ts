import type { OrderBudget } from "../core/order-budget.ts";
import type {
  CancelOutcome,
  CancelRequest,
  CloseOrder,
  CloseOutcome,
  Position,
  PositionMode,
  RestingOrder,
} from "../core/position.ts";
import type { Reading } from "../core/reading.ts";
import type { Rulebook } from "../core/rulebook.ts";
import type { Instant, UnixMillis } from "../core/time.ts";

export type { CancelOutcome, CloseOutcome } from "../core/position.ts";

/** Whether the venue accepts the key. */
type Access =
  | { readonly kind: "granted" }
  /** Asking again with the same key can't help. `why` says what a person has to change. */
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "unknown"; readonly why: string };

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
  /** Whether the account is in one-way or in hedge mode. */
  positionMode(): Promise<Reading<PositionMode>>;
  /** Cancels every order of one family on one symbol, or one of them. Cancelling what is not there is `cancelled`. */
  cancel(request: CancelRequest): Promise<CancelOutcome>;
  /** Sends one close order, once. It is never sent again here, whatever happens. */
  close(order: CloseOrder): Promise<CloseOutcome>;
  /**
   * What has become of an order whose answer was lost. `unknown` while it works, and where the venue does not know it:
   * seconds after a send that is no proof that it was not executed.
   */
  lookUp(order: CloseOrder): Promise<CloseOutcome>;
  /** Whether the venue lets this key read the account. Asked once, at start. */
  access(): Promise<Access>;
  /** The venue's clock. */
  now(): Promise<Reading<UnixMillis>>;
  /** The rules of every contract that is listed. Large and slow: asked for while idle, never in a pass. */
  rulebook(): Promise<Reading<Rulebook>>;
  /** Opens and proves at least `sockets` connections and refreshes the clock offset; the value is the slowest answer in ms. */
  warm(sockets: number): Promise<Reading<number>>;
  /** The venue's time of the last fill of any of `symbols` at or after `since` (venue time); `null` if there was none. */
  lastFillAt(symbols: readonly string[], since: UnixMillis): Promise<Reading<UnixMillis | null>>;
  /** How many orders the venue still takes, from memory: what its answers told, and the orders sent since. */
  orderBudget(): OrderBudget;
  /**
   * Until when the venue wants no calls from this address, from memory; null: calls may be sent. Until then nothing is
   * sent: every method settles at once, a close as `refused` for the cause `address_limit`.
   */
  silentUntil(): Instant | null;
}
