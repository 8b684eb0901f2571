/**
 * Every way the simulated venue says no, as Binance words it.
 *
 * Source: Binance docs, Error Codes (binance.md 6). The HTTP status is Binance's too: 401 for keys, 429 and 418 for limits,
 * 404 for paths it does not know, 400 for all else.
 */

/** One error body with the HTTP status it travels with. */
export interface Refusal {
  readonly status: number;
  readonly code: number;
  readonly msg: string;
}

// `%s` is filled in by `refuse`. The table is closed: a rule of the venue names its row, so no code is invented in passing.
const TABLE = {
  unknownError: { status: 500, code: -1000, msg: "An unknown error occured while processing the request. %s" },
  tooManyRequests: {
    status: 429,
    code: -1003,
    msg: "Too many requests; current limit is %s requests per minute. Please use the websocket for live updates to avoid polling the API.",
  },
  banned: {
    status: 418,
    code: -1003,
    msg: "Way too many requests; IP banned until %s. Please use the websocket for live updates to avoid bans.",
  },
  tooManyOrders: { status: 429, code: -1015, msg: "Too many new orders; current limit is %s orders per %s." },
  outsideRecvWindow: { status: 400, code: -1021, msg: "Timestamp for this request is outside of the recvWindow." },
  aheadOfServer: {
    status: 400,
    code: -1021,
    msg: "Timestamp for this request was 1000ms ahead of the server's time.",
  },
  badSignature: { status: 400, code: -1022, msg: "Signature for this request is not valid." },
  illegalCharacters: { status: 400, code: -1100, msg: "Illegal characters found in a parameter." },
  mandatory: {
    status: 400,
    code: -1102,
    msg: "Mandatory parameter '%s' was not sent, was empty/null, or malformed.",
  },
  notRequired: { status: 400, code: -1106, msg: "Parameter '%s' sent when not required." },
  precision: { status: 400, code: -1111, msg: "Precision is over the maximum defined for this asset." },
  invalidTimeInForce: { status: 400, code: -1115, msg: "Invalid timeInForce." },
  invalidOrderType: { status: 400, code: -1116, msg: "Invalid orderType." },
  invalidSide: { status: 400, code: -1117, msg: "Invalid side." },
  invalidSymbol: { status: 400, code: -1121, msg: "Invalid symbol." },
  invalidParameter: { status: 400, code: -1130, msg: "Data sent for parameter '%s' is not valid." },
  unknownOrder: { status: 400, code: -2011, msg: "Unknown order sent." },
  noSuchOrder: { status: 400, code: -2013, msg: "Order does not exist." },
  keyFormat: { status: 401, code: -2014, msg: "API-key format invalid." },
  rejectedKey: { status: 401, code: -2015, msg: "Invalid API-key, IP, or permissions for action." },
  wouldTrigger: { status: 400, code: -2021, msg: "Order would immediately trigger." },
  reduceOnlyRejected: { status: 400, code: -2022, msg: "ReduceOnly Order is rejected." },
  tooManyOpenOrders: { status: 400, code: -2025, msg: "Reach max open order limit." },
  priceNotPositive: { status: 400, code: -4001, msg: "Price less than 0." },
  priceTooHigh: { status: 400, code: -4002, msg: "Price greater than max price." },
  quantityNotPositive: { status: 400, code: -4003, msg: "Quantity less than or equal to zero." },
  quantityTooSmall: { status: 400, code: -4004, msg: "Quantity less than min quantity." },
  quantityTooLarge: { status: 400, code: -4005, msg: "Quantity greater than max quantity." },
  priceTooLow: { status: 400, code: -4013, msg: "Price less than min price." },
  tickSize: { status: 400, code: -4014, msg: "Price not increased by tick size." },
  clientOrderId: { status: 400, code: -4015, msg: "Client order id is not valid." },
  abovePriceCap: { status: 400, code: -4016, msg: "Limit price can't be higher than %s." },
  stepSize: { status: 400, code: -4023, msg: "Qty not increased by step size." },
  belowPriceFloor: { status: 400, code: -4024, msg: "Limit price can't be lower than %s." },
  tooManyAlgoOrders: { status: 400, code: -4045, msg: "Reach max stop order limit." },
  invalidPositionSide: { status: 400, code: -4060, msg: "Invalid position side." },
  positionSideMismatch: { status: 400, code: -4061, msg: "Order's position side does not match user's setting." },
  badReduceOnly: { status: 400, code: -4062, msg: "Invalid or improper reduceOnly value." },
  batchSize: { status: 400, code: -4082, msg: "Invalid number of batch place orders." },
  duplicateClientOrderId: { status: 400, code: -4116, msg: "ClientOrderId is duplicated." },
  blockedByReduceOnly: {
    status: 400,
    code: -4118,
    msg: "ReduceOnly Order Failed. Please check your existing position and open orders",
  },
  useAlgoService: {
    status: 400,
    code: -4120,
    msg: "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
  },
  closePositionQuantity: { status: 400, code: -4137, msg: "Quantity must be zero with closePosition equals true." },
  notTrading: { status: 400, code: -4140, msg: "Invalid symbol status for opening position." },
  symbolClosed: { status: 400, code: -4141, msg: "Symbol is closed." },
  notionalTooSmall: {
    status: 400,
    code: -4164,
    msg: "Order's notional must be no smaller than %s (unless you choose reduce only).",
  },
  // No primary source in binance.md; the wording is what clients have reported for unknown fapi paths.
  unknownPath: { status: 404, code: -5000, msg: "Path %s, Method %s is invalid" },
  fillOrKill: {
    status: 400,
    code: -5021,
    msg: "Due to the order could not be filled immediately, the FOK order has been rejected. The order will not be recorded in the order history",
  },
  postOnly: {
    status: 400,
    code: -5022,
    msg: "Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not be recorded in the order history",
  },
} as const;

/** Names one row of the table. */
export type RefusalName = keyof typeof TABLE;

/** Thrown wherever the venue refuses; the gateway turns it into `{"code":…,"msg":…}`. */
export class Refused extends Error {
  override readonly name: string = "Refused";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(`${refusal.code} ${refusal.msg}`);
    this.refusal = refusal;
  }
}

/** The refusal called `name`, its `%s` replaced in order by `values`. Use as `throw refuse("invalidSymbol")`. */
export function refuse(name: RefusalName, ...values: readonly string[]): Refused {
  const { status, code, msg }: Refusal = TABLE[name];
  const rest = [...values];
  return new Refused({ status, code, msg: msg.replaceAll("%s", () => rest.shift() ?? "") });
}
