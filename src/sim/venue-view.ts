/** What can be read of a venue, whether it is the present one or one of a moment ago. */

import type { Decimal } from "../core/decimal.ts";
import { ZERO } from "../core/decimal.ts";
import type { Position, PositionSide } from "../core/position.ts";
import type { UnixMillis } from "../core/time.ts";
import type { AccountSpec } from "./account.ts";
import type { Holdings } from "./holdings.ts";
import { type Leg, unrealizedPnl } from "./leg.ts";
import type { AlgoOrder, Order } from "./orders.ts";
import type { SymbolRules } from "./symbols.ts";

/** The reading side of a venue. */
export abstract class VenueView {
  /** The moment that is shown. */
  abstract now(): UnixMillis;

  /** The contracts listed. */
  abstract symbols(): readonly SymbolRules[];

  /** @throws {Refused} -1121 for a symbol that is not listed. */
  abstract rules(symbol: string): SymbolRules;

  /** @throws {Refused} -1121 for a symbol that is not listed. */
  abstract mark(symbol: string): Decimal;

  /** What the account was added with, or `null` for an unknown key. */
  abstract accountSpec(apiKey: string): AccountSpec | null;

  /** @throws {Error} for a key that no account has. */
  protected abstract holdings(apiKey: string): Holdings;

  /** Whether the account is in hedge mode. */
  hedge(apiKey: string): boolean {
    return this.accountSpec(apiKey)?.hedge ?? false;
  }

  /** The open legs. */
  positions(apiKey: string): readonly Position[] {
    const open = this.holdings(apiKey)
      .legs()
      .filter((leg) => !leg.amount.eq(ZERO));
    return open.map((leg) => {
      const markPrice = this.mark(leg.symbol);
      const { symbol, positionSide, amount, entryPrice } = leg;
      return { symbol, positionSide, amount, entryPrice, markPrice, unrealizedPnl: unrealizedPnl(leg, markPrice) };
    });
  }

  /** One leg, empty if the symbol was never traded. */
  leg(apiKey: string, symbol: string, positionSide: PositionSide): Leg {
    return this.holdings(apiKey).leg(symbol, positionSide);
  }

  /** Realized profit less fees in one asset since the account was added. */
  earned(apiKey: string, asset: string): Decimal {
    return this.holdings(apiKey).earned(asset);
  }

  /** The resting regular orders. */
  openOrders(apiKey: string, symbol?: string): readonly Order[] {
    return this.holdings(apiKey).openOrders(symbol);
  }

  /** The waiting conditional orders. */
  openAlgoOrders(apiKey: string, symbol?: string): readonly AlgoOrder[] {
    return this.holdings(apiKey).openAlgos(symbol);
  }
}
