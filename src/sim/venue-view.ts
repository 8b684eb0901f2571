/** What can be read of a venue, whether it is the present one or one of a moment ago. */

import { type Decimal, decimal, sum, ZERO } from "../core/decimal.ts";
import { legName, type Position, type PositionSide } from "../core/position.ts";
import type { UnixMillis } from "../core/time.ts";
import { type AccountSpec, DEFAULT_BALANCE, DEFAULT_LEVERAGE } from "./account.ts";
import type { Holdings } from "./holdings.ts";
import { type Leg, unrealizedPnl } from "./leg.ts";
import { liquidationPrices } from "./margin.ts";
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
    const leverage = this.leverage(apiKey);
    const liquidations = this.liquidations(apiKey);
    return this.openLegs(apiKey).map((leg) => {
      const markPrice = this.mark(leg.symbol);
      const { symbol, positionSide, amount, entryPrice } = leg;
      const profit = unrealizedPnl(leg, markPrice);
      const liquidationPrice = liquidations.get(legName(leg)) ?? null;
      return { symbol, positionSide, amount, entryPrice, markPrice, unrealizedPnl: profit, leverage, liquidationPrice };
    });
  }

  /** At which mark each open leg would be liquidated, by its name; null: at none. All legs are cross. */
  liquidations(apiKey: string): ReadonlyMap<string, Decimal | null> {
    const legs = this.openLegs(apiKey);
    const found = new Map<string, Decimal | null>();
    for (const asset of new Set(legs.map(({ symbol }) => this.rules(symbol).marginAsset))) {
      const together = legs.filter(({ symbol }) => this.rules(symbol).marginAsset === asset);
      const marked = together.map((leg) => ({ leg, mark: this.mark(leg.symbol) }));
      const prices = liquidationPrices(this.walletBalance(apiKey, asset), marked);
      for (const [index, leg] of together.entries()) found.set(legName(leg), prices[index] ?? null);
    }
    return found;
  }

  /** How many times its margin every leg of the account is worth. */
  leverage(apiKey: string): Decimal {
    return decimal(String(this.accountSpec(apiKey)?.leverage ?? DEFAULT_LEVERAGE));
  }

  /** The assets that the account may hold: the margin assets, and those that were transferred. */
  assets(apiKey: string): readonly string[] {
    const margin = this.symbols().map((rules) => rules.marginAsset);
    return [...new Set([...margin, ...this.holdings(apiKey).creditedAssets()])];
  }

  /** What the account has of one asset, without the profit that is not realized yet. */
  walletBalance(apiKey: string, asset: string): Decimal {
    const isMargin = this.symbols().some(({ marginAsset }) => marginAsset === asset);
    const credited = this.holdings(apiKey).credited(asset);
    return isMargin ? decimal(this.accountSpec(apiKey)?.balance ?? DEFAULT_BALANCE).plus(credited) : credited;
  }

  /** What the account has of one asset, with the profit of its legs as the marks are. */
  marginBalance(apiKey: string, asset: string): Decimal {
    const legs = this.openLegs(apiKey).filter(({ symbol }) => this.rules(symbol).marginAsset === asset);
    return this.walletBalance(apiKey, asset).plus(sum(legs.map((leg) => unrealizedPnl(leg, this.mark(leg.symbol)))));
  }

  protected openLegs(apiKey: string): readonly Leg[] {
    return this.holdings(apiKey)
      .legs()
      .filter((leg) => !leg.amount.eq(ZERO));
  }

  /** One leg, empty if the symbol was never traded. */
  leg(apiKey: string, symbol: string, positionSide: PositionSide): Leg {
    return this.holdings(apiKey).leg(symbol, positionSide);
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
