/** What every JSON reply has in common; the rows are in `wire-market.ts`, `wire-positions.ts` and `wire-orders.ts`. */

/** One JSON object of a reply. */
export type Row = Readonly<Record<string, unknown>>;

/**
 * A reply as text.
 *
 * Ids are kept as digits in the model, for some have 19 of them, and are written as JSON numbers here: Binance does so
 * too, and a client that reads them with plain `JSON.parse` loses the last digits (binance.md 7.14).
 */
export function json(value: unknown): string {
  // The quotes inside a JSON string are escaped, so this pattern can only match a real key.
  return JSON.stringify(value).replaceAll(/"(orderId|algoId|tranId|id)":"(\d+)"/g, '"$1":$2');
}
