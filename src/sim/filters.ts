/** The exchange filters: which quantities and prices a contract accepts. Binance docs, Exchange Information (binance.md 4.5). */

import { type Decimal, decimal, plain, ZERO } from "../core/decimal.ts";
import type { OrderType, Side } from "./orders.ts";
import { refuse } from "./refusals.ts";
import type { LotRules, SymbolRules } from "./symbols.ts";

/**
 * Checks an order's quantity.
 *
 * A market order obeys MARKET_LOT_SIZE and LOT_SIZE; a limit order only the latter.
 *
 * @throws {Refused} -4003, -1111, -4004, -4005 or -4023.
 */
export function checkQuantity(rules: SymbolRules, type: OrderType, quantity: Decimal): void {
  if (quantity.lte(ZERO)) throw refuse("quantityNotPositive");
  if (decimals(quantity) > rules.quantityPrecision) throw refuse("precision");
  for (const lot of type === "MARKET" ? [rules.marketLot, rules.lot] : [rules.lot]) checkLot(lot, quantity);
}

/**
 * Checks a limit price against PRICE_FILTER and PERCENT_PRICE at the given mark.
 *
 * @throws {Refused} -4001, -1111, -4013, -4002, -4014, -4016 or -4024.
 */
export function checkPrice(rules: SymbolRules, side: Side, price: Decimal, mark: Decimal): void {
  const { min, max, tick } = rules.price;
  if (price.lte(ZERO)) throw refuse("priceNotPositive");
  if (decimals(price) > rules.pricePrecision) throw refuse("precision");
  if (price.lt(decimal(min))) throw refuse("priceTooLow");
  if (price.gt(decimal(max))) throw refuse("priceTooHigh");
  if (!price.mod(decimal(tick)).eq(ZERO)) throw refuse("tickSize");
  const cap = mark.times(decimal(rules.band.up));
  const floor = mark.times(decimal(rules.band.down));
  if (side === "BUY" && price.gt(cap)) throw refuse("abovePriceCap", plain(cap));
  if (side === "SELL" && price.lt(floor)) throw refuse("belowPriceFloor", plain(floor));
}

/**
 * Checks that the order is worth enough; reduce-only orders are exempt, which the caller decides.
 *
 * @throws {Refused} -4164.
 */
export function checkNotional(rules: SymbolRules, quantity: Decimal, price: Decimal): void {
  if (quantity.times(price).lt(decimal(rules.minNotional))) throw refuse("notionalTooSmall", rules.minNotional);
}

function checkLot(lot: LotRules, quantity: Decimal): void {
  if (quantity.lt(decimal(lot.min))) throw refuse("quantityTooSmall");
  if (quantity.gt(decimal(lot.max))) throw refuse("quantityTooLarge");
  if (!quantity.minus(decimal(lot.min)).mod(decimal(lot.step)).eq(ZERO)) throw refuse("stepSize");
}

function decimals(value: Decimal): number {
  return plain(value).split(".")[1]?.length ?? 0;
}
