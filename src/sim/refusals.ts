/**
 * Every way Binance says no with a code, as it words it. The venue's own rules use some of the rows, scripted faults can
 * use all of them.
 *
 * Source: Binance docs, Error Codes (binance.md 6). The HTTP status is Binance's too where it is documented: 401 for keys,
 * 429 and 418 for limits, 408 and 5xx for what went wrong behind the gateway (binance.md 3), 404 for unknown paths, 400
 * for all else.
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
  internalError: {
    status: 503,
    code: -1001,
    msg: "Internal error; unable to process your request. Please try again.",
  },
  unauthorized: { status: 401, code: -1002, msg: "You are not authorized to execute this request." },
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
  unexpectedResponse: {
    status: 503,
    code: -1006,
    msg: "An unexpected response was received from the message bus. Execution status unknown.",
  },
  backendTimeout: {
    status: 408,
    code: -1007,
    msg: "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
  },
  throttled: {
    status: 503,
    code: -1008,
    msg: "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again.",
  },
  overloaded: {
    status: 503,
    code: -1008,
    msg: "Server is currently overloaded with other requests. Please try again in a few minutes.",
  },
  tooManyOrders: { status: 429, code: -1015, msg: "Too many new orders; current limit is %s orders per %s." },
  serviceGone: { status: 400, code: -1016, msg: "This service is no longer available." },
  outsideRecvWindow: { status: 400, code: -1021, msg: "Timestamp for this request is outside of the recvWindow." },
  aheadOfServer: {
    status: 400,
    code: -1021,
    msg: "Timestamp for this request was 1000ms ahead of the server's time.",
  },
  badSignature: { status: 400, code: -1022, msg: "Signature for this request is not valid." },
  notFound: { status: 401, code: -1099, msg: "Not found, unauthenticated, or unauthorized." },
  illegalCharacters: { status: 400, code: -1100, msg: "Illegal characters found in a parameter." },
  mandatory: {
    status: 400,
    code: -1102,
    msg: "Mandatory parameter '%s' was not sent, was empty/null, or malformed.",
  },
  notRequired: { status: 400, code: -1106, msg: "Parameter '%s' sent when not required." },
  precision: { status: 400, code: -1111, msg: "Precision is over the maximum defined for this asset." },
  noDepth: { status: 400, code: -1112, msg: "No orders on book for symbol." },
  invalidTimeInForce: { status: 400, code: -1115, msg: "Invalid timeInForce." },
  invalidOrderType: { status: 400, code: -1116, msg: "Invalid orderType." },
  invalidSide: { status: 400, code: -1117, msg: "Invalid side." },
  invalidInterval: { status: 400, code: -1120, msg: "Invalid interval." },
  invalidSymbol: { status: 400, code: -1121, msg: "Invalid symbol." },
  invalidSymbolStatus: { status: 400, code: -1122, msg: "Invalid symbol status." },
  listenKeyGone: { status: 400, code: -1125, msg: "This listenKey does not exist." },
  badCombination: { status: 400, code: -1128, msg: "Combination of optional parameters invalid." },
  invalidParameter: { status: 400, code: -1130, msg: "Data sent for parameter '%s' is not valid." },
  newOrderRejected: { status: 400, code: -2010, msg: "NEW_ORDER_REJECTED" },
  unknownOrder: { status: 400, code: -2011, msg: "Unknown order sent." },
  noSuchOrder: { status: 400, code: -2013, msg: "Order does not exist." },
  keyFormat: { status: 401, code: -2014, msg: "API-key format invalid." },
  rejectedKey: { status: 401, code: -2015, msg: "Invalid API-key, IP, or permissions for action." },
  keysLocked: { status: 401, code: -2017, msg: "API Keys are locked on this account." },
  marginInsufficient: { status: 400, code: -2019, msg: "Margin is insufficient." },
  unableToFill: { status: 400, code: -2020, msg: "Unable to fill." },
  wouldTrigger: { status: 400, code: -2021, msg: "Order would immediately trigger." },
  reduceOnlyRejected: { status: 400, code: -2022, msg: "ReduceOnly Order is rejected." },
  inLiquidation: { status: 400, code: -2023, msg: "User in liquidation mode now." },
  positionInsufficient: { status: 400, code: -2024, msg: "Position is not sufficient." },
  tooManyOpenOrders: { status: 400, code: -2025, msg: "Reach max open order limit." },
  typeNotReduceOnly: { status: 400, code: -2026, msg: "This OrderType is not supported when reduceOnly." },
  maxPosition: { status: 400, code: -2027, msg: "Exceeded the maximum allowable position at current leverage." },
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
  invalidWorkingType: { status: 400, code: -4031, msg: "Invalid parameter working type: %s" },
  tooManyAlgoOrders: { status: 400, code: -4045, msg: "Reach max stop order limit." },
  marginTypeUnchanged: { status: 400, code: -4046, msg: "No need to change margin type." },
  positionSideUnchanged: { status: 400, code: -4059, msg: "No need to change position side." },
  invalidPositionSide: { status: 400, code: -4060, msg: "Invalid position side." },
  positionSideMismatch: { status: 400, code: -4061, msg: "Order's position side does not match user's setting." },
  badReduceOnly: { status: 400, code: -4062, msg: "Invalid or improper reduceOnly value." },
  positionSideOpenOrders: {
    status: 400,
    code: -4067,
    msg: "Position side cannot be changed if there exists open orders.",
  },
  positionSidePosition: {
    status: 400,
    code: -4068,
    msg: "Position side cannot be changed if there exists position.",
  },
  batchSize: { status: 400, code: -4082, msg: "Invalid number of batch place orders." },
  batchFailed: { status: 400, code: -4083, msg: "Fail to place batch orders." },
  userReduceOnly: { status: 400, code: -4087, msg: "User can only place reduce only order" },
  userMayNotOrder: { status: 400, code: -4088, msg: "User can not place order currently" },
  symbolReduceOnly: {
    status: 400,
    code: -4105,
    msg: "Symbol is under position risk control, only reduce-only order is allowed.",
  },
  symbolReduceOnlyBuy: {
    status: 400,
    code: -4106,
    msg: "Symbol is under position risk control, buy order can only works with reduce-only.",
  },
  symbolReduceOnlySell: {
    status: 400,
    code: -4107,
    msg: "Symbol is under position risk control, sell order can only works with reduce-only.",
  },
  inactiveAccount: { status: 400, code: -4109, msg: "Inactive account" },
  duplicateClientOrderId: { status: 400, code: -4116, msg: "ClientOrderId is duplicated." },
  stopTriggering: { status: 400, code: -4117, msg: "stop order is triggering" },
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
  // Not in the documentation; the wording is what clients of the algo endpoint reported in 2026.
  protectiveStopExists: {
    status: 400,
    code: -4130,
    msg: "An open stop or take profit order with GTE and closePosition in the direction is existing.",
  },
  priceBand: {
    status: 400,
    code: -4131,
    msg: "The counterparty's best price does not meet the PERCENT_PRICE filter limit",
  },
  closePositionQuantity: { status: 400, code: -4137, msg: "Quantity must be zero with closePosition equals true." },
  closePositionReduceOnly: {
    status: 400,
    code: -4138,
    msg: "Reduce only must be true with closePosition equals true",
  },
  notTrading: { status: 400, code: -4140, msg: "Invalid symbol status for opening position." },
  symbolClosed: { status: 400, code: -4141, msg: "Symbol is closed." },
  stopWouldTrigger: {
    status: 400,
    code: -4142,
    msg: "REJECT: take profit or stop order will be triggered immediately",
  },
  notionalTooSmall: {
    status: 400,
    code: -4164,
    msg: "Order's notional must be no smaller than %s (unless you choose reduce only).",
  },
  windowTooLong: { status: 400, code: -4165, msg: "Maximum time interval is %s days" },
  accountReduceOnly: {
    status: 400,
    code: -4189,
    msg: "Restricted account permission: can only place reduceOnly order on the symbol.",
  },
  coolingOff: { status: 400, code: -4192, msg: "Trade forbidden due to Cooling-off Period." },
  quantitativeRules: {
    status: 400,
    code: -4400,
    msg: "Futures Trading Quantitative Rules violated, only reduceOnly order is allowed, please try again later.",
  },
  largePosition: {
    status: 400,
    code: -4401,
    msg: "Futures Trading Risk Control Rules of large position holding violated, only reduceOnly order is allowed, please reduce the position. .",
  },
  regionRestricted: {
    status: 400,
    code: -4402,
    msg: "Dear user, as per our Terms of Use and compliance with local regulations, this feature is currently not available in your region.",
  },
  regionLeverage: {
    status: 400,
    code: -4403,
    msg: "Dear user, as per our Terms of Use and compliance with local regulations, the leverage can only up to 10x in your region",
  },
  // The next three are not in the documentation; the wording is what clients reported (binance.md 6).
  creditsModeOnly: {
    status: 400,
    code: -4408,
    msg: "This symbol is in reduce only mode due to regulation requirements. Please upgrade to Binance Credits Trading Mode.",
  },
  tradFiAgreement: { status: 400, code: -4411, msg: "Please sign TradFi-Perps agreement contract" },
  positionModeSync: { status: 400, code: -4531, msg: "Position mode change requires syncing UM and CM" },
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
  tooLateForEngine: { status: 400, code: -5028, msg: "Timestamp for this request is outside of the ME recvWindow." },
  noDepthForOrder: { status: 400, code: -5041, msg: "No depth matches this BBO order" },
} as const;

/** Names one row of the table. */
export type RefusalName = keyof typeof TABLE;

/** The whole table, by name, `%s` not filled in: for faults that tell a refusal nobody decided. */
export const REFUSALS: Readonly<Record<RefusalName, Refusal>> = TABLE;

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
