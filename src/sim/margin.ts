/** The margin of cross legs: what they need to stay open, and at which mark they would be liquidated. */

import { type Decimal, decimal, sum, ZERO } from "../core/decimal.ts";
import { type Leg, unrealizedPnl } from "./leg.ts";

/** The maintenance rate of the lowest notional bracket; the only one here. */
export const MAINTENANCE_RATE: Decimal = decimal("0.004");

/** Binance shows prices with up to eight decimals. */
const PRICE_DECIMALS = 8;

/** A leg at its mark. */
export interface MarkedLeg {
  readonly leg: Leg;
  readonly mark: Decimal;
}

/** What a leg needs to stay open. */
export function maintenanceMargin({ leg, mark }: MarkedLeg): Decimal {
  return leg.amount.times(mark).abs().times(MAINTENANCE_RATE);
}

/**
 * The mark at which each leg would be liquidated, in the order given, while the others' marks stay where they are; null where
 * no mark above zero does it. `wallet` and `legs` are all there is in one margin asset.
 *
 * That is where wallet and profit are what all legs need to stay open. Source: Binance, "How to Calculate Liquidation Price of
 * USDⓈ-M Futures Contracts", cross margin, with one notional bracket.
 */
export function liquidationPrices(wallet: Decimal, legs: readonly MarkedLeg[]): readonly (Decimal | null)[] {
  const spare = legs.map((marked) => unrealizedPnl(marked.leg, marked.mark).minus(maintenanceMargin(marked)));
  const allSpare = wallet.plus(sum(spare));
  return legs.map(({ leg: { amount, entryPrice } }, index) => {
    const cushion = allSpare.minus(spare[index] ?? ZERO);
    const perUnit = amount.minus(amount.abs().times(MAINTENANCE_RATE));
    const price = amount.times(entryPrice).minus(cushion).div(perUnit).round(PRICE_DECIMALS);
    return price.gt(ZERO) ? price : null;
  });
}
