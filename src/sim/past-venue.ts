/** How the venue looked to one account a moment ago. */

import type { Decimal } from "../core/decimal.ts";
import type { UnixMillis } from "../core/time.ts";
import type { AccountSpec } from "./account.ts";
import type { HistoryTable } from "./history.ts";
import type { Holdings } from "./holdings.ts";
import type { SymbolRules } from "./symbols.ts";
import { VenueView } from "./venue-view.ts";

/** A contract's price. */
export interface Mark {
  readonly symbol: string;
  readonly price: Decimal;
}

/** Holdings and marks of one moment; the contracts are the present ones. Only that account is in it: nobody else reads here. */
export class PastVenue extends VenueView {
  readonly #present: VenueView;
  readonly #holdings: Holdings;
  readonly #marks: HistoryTable<Mark>;
  readonly #at: UnixMillis;

  constructor(present: VenueView, holdings: Holdings, marks: HistoryTable<Mark>, at: UnixMillis) {
    super();
    this.#present = present;
    this.#holdings = holdings;
    this.#marks = marks;
    this.#at = at;
  }

  override now(): UnixMillis {
    return this.#at;
  }

  override symbols(): readonly SymbolRules[] {
    return this.#present.symbols();
  }

  override rules(symbol: string): SymbolRules {
    return this.#present.rules(symbol);
  }

  override mark(symbol: string): Decimal {
    return this.#marks.get(symbol)?.price ?? this.#present.mark(symbol);
  }

  override accountSpec(apiKey: string): AccountSpec | null {
    return this.#present.accountSpec(apiKey);
  }

  protected override holdings(): Holdings {
    return this.#holdings;
  }
}
