/** What the venue demands of orders, contract by contract (Binance, Exchange Information). Read while idle, kept on disk. */

import type { LotRule } from "./lots.ts";
import type { PriceBand } from "./price-band.ts";

/** One contract's rules. What could not be read is null, and an order is then sent without it. */
export interface ContractRules {
  /** What one market order may hold. */
  readonly lot: LotRule | null;
  /** Where a limit order's price may be. */
  readonly band: PriceBand | null;
}

/** The rules by symbol. A symbol that is missing is closed in one order, as it is: never skipped. */
export type Rulebook = ReadonlyMap<string, ContractRules>;
