/** Sets the scene: positions, orders, prices and contracts, past all signing. */

import { plain } from "../core/decimal.ts";
import { oneOf, optionalFlag, optionalPositionSide, optionalText, parseFields, text } from "./control-fields.ts";
import { algoState, orderState, positionsState } from "./control-state.ts";
import { readAlgoOrder, readOrder } from "./order-entry.ts";
import { Params } from "./params.ts";
import { SYMBOL_STATUSES } from "./symbols.ts";
import type { Venue } from "./venue.ts";

/** Changes the venue as the body says and returns what it has become. @throws {Error} having changed nothing. */
export type SceneControl = (venue: Venue, body: string) => unknown;

/** The paths, by `METHOD path`. */
export const SCENE_CONTROLS: Readonly<Record<string, SceneControl>> = {
  "POST /sim/positions": (venue, body) => {
    const fields = parseFields(body);
    const entryPrice = optionalText(fields, "entryPrice");
    const positionSide = optionalPositionSide(fields, "positionSide");
    const apiKey = text(fields, "apiKey");
    venue.openPosition(apiKey, {
      symbol: text(fields, "symbol"),
      amount: text(fields, "amount"),
      ...(entryPrice === null ? {} : { entryPrice }),
      ...(positionSide === null ? {} : { positionSide }),
    });
    return { positions: positionsState(venue, apiKey) };
  },

  // Fields as of Binance's new order, and the account's apiKey; filters and rules hold as for any order.
  "POST /sim/orders": (venue, body) => {
    const { apiKey, params } = readOrderFields(body, {});
    return orderState(venue.place(apiKey, readOrder(params)));
  },

  "POST /sim/algo-orders": (venue, body) => {
    const { apiKey, params } = readOrderFields(body, { algoType: "CONDITIONAL" });
    return algoState(venue.placeAlgo(apiKey, readAlgoOrder(params)));
  },

  "POST /sim/marks": (venue, body) => {
    const fields = parseFields(body);
    const { symbol } = venue.rules(text(fields, "symbol"));
    const marketBlocked = optionalFlag(fields, "marketBlocked");
    const price = marketBlocked === null ? text(fields, "price") : optionalText(fields, "price");
    if (price !== null) venue.setMark(symbol, price);
    if (marketBlocked !== null) venue.setMarketBlocked(symbol, marketBlocked);
    return { symbol, price: plain(venue.mark(symbol)), ...(marketBlocked === null ? {} : { marketBlocked }) };
  },

  // A deposit, or with a negative amount a withdrawal, as of now.
  "POST /sim/transfers": (venue, body) => {
    const fields = parseFields(body);
    const apiKey = text(fields, "apiKey");
    const asset = optionalText(fields, "asset") ?? "USDT";
    const { transferId, amount } = venue.transfer(apiKey, asset, text(fields, "amount"));
    return { transferId, asset, amount: plain(amount), wallet: plain(venue.walletBalance(apiKey, asset)) };
  },

  "POST /sim/status": (venue, body) => {
    const fields = parseFields(body);
    const symbol = text(fields, "symbol");
    venue.setStatus(symbol, oneOf(fields, "status", SYMBOL_STATUSES));
    return { symbol, status: venue.rules(symbol).status };
  },

  "POST /sim/lots": (venue, body) => {
    const fields = parseFields(body);
    const symbol = text(fields, "symbol");
    const [step, min, max, marketMax] = ["step", "min", "max", "marketMax"].map(
      (name) => optionalText(fields, name) ?? undefined,
    );
    venue.setLots(symbol, { step, min, max, marketMax });
    const { lot, marketLot } = venue.rules(symbol);
    return { symbol, lot, marketLot };
  },
};

function readOrderFields(
  body: string,
  defaults: Readonly<Record<string, string>>,
): { readonly apiKey: string; readonly params: Params } {
  const { apiKey: _, ...fields } = parseFields(body);
  const sent = Object.entries(fields).map(([name, value]): [string, string] => {
    if (typeof value !== "string" && typeof value !== "boolean") {
      throw new Error(`${name} must be a string, also where it is a number`);
    }
    return [name, String(value)];
  });
  return {
    apiKey: text(parseFields(body), "apiKey"),
    params: new Params(new Map([...Object.entries(defaults), ...sent])),
  };
}
