/** Which resting orders are cancelled, and when: everything that could re-open or block, but a leg's protection only last. */

import { type CancelRequest, legName, type Position, type RestingOrder } from "./position.ts";

/** Names a request in maps: `BTCUSDT/regular`, or with the order's id behind it. */
export function cancelName({ symbol, family, orderId }: CancelRequest): string {
  return orderId === null ? `${symbol}/${family}` : `${symbol}/${family}/${orderId}`;
}

/**
 * The cancels that leave nothing resting but the protective stops of the legs in `guarded`: one request for each family of
 * a symbol, and one for each order where a stop of that family stays.
 */
export function cancelsFor(resting: readonly RestingOrder[], guarded: ReadonlySet<string>): readonly CancelRequest[] {
  const stays = (order: RestingOrder): boolean => order.closesPosition && guarded.has(legName(order));
  const families = Map.groupBy(resting, ({ symbol, family }) => `${symbol}/${family}`);
  return [...families.values()].flatMap((orders): readonly CancelRequest[] => {
    const going = orders.filter((order) => !stays(order));
    if (going.length < orders.length) {
      return going.map(({ symbol, family, orderId }) => ({ symbol, family, orderId }));
    }
    return going.slice(0, 1).map(({ symbol, family }) => ({ symbol, family, orderId: null }));
  });
}

/** The names of the legs. */
export function legsOf(positions: readonly Position[]): ReadonlySet<string> {
  return new Set(positions.map(legName));
}

/** How many of the orders a request takes. */
export function ordersTaken(request: CancelRequest, resting: readonly RestingOrder[]): number {
  return resting.filter(
    ({ symbol, family, orderId }) =>
      symbol === request.symbol &&
      family === request.family &&
      (request.orderId === null || request.orderId === orderId),
  ).length;
}
