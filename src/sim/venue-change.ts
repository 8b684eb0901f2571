/** What has just happened at the venue, for those who look on: its streams. */

import type { Transfer } from "./account.ts";
import type { Leg } from "./leg.ts";
import type { AlgoOrder, Fill, Order } from "./orders.ts";

/** One change, after it was made. */
export type VenueChange =
  | { readonly kind: "mark"; readonly symbol: string }
  /** `fill` is what was executed, for `TRADE` only. */
  | {
      readonly kind: "order";
      readonly apiKey: string;
      readonly order: Order;
      readonly execution: "NEW" | "TRADE" | "CANCELED" | "EXPIRED";
      readonly fill: Fill | null;
    }
  /** By an execution, or by hand. */
  | { readonly kind: "leg"; readonly apiKey: string; readonly leg: Leg; readonly byHand: boolean }
  | { readonly kind: "transfer"; readonly apiKey: string; readonly transfer: Transfer }
  | { readonly kind: "algo"; readonly apiKey: string; readonly algo: AlgoOrder };

/** Told of each change at once, in the middle of what makes it: it may look, and must change nothing. */
export type Onlooker = (change: VenueChange) => void;
