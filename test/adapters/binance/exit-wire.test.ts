import { describe, expect, test } from "bun:test";
import {
  readCandles,
  readEquity,
  readFills,
  readPastOrders,
  readPlacedStop,
  readProtectiveStops,
  readTransfers,
} from "../../../src/adapters/binance/exit-wire.ts";
import { parseJson } from "../../../src/adapters/binance/wire.ts";
import { plain } from "../../../src/core/decimal.ts";

// The texts are the examples of Binance's documentation (derivatives, usds-margined-futures), shortened where they repeat.

describe("readEquity()", () => {
  const row = (asset: string, marginBalance: string) => ({ asset, walletBalance: "1", marginBalance });
  const equity = (totalMarginBalance: string, ...assets: readonly object[]): string =>
    plain(readEquity(parseJson(JSON.stringify({ totalMarginBalance, assets }))));

  test.each([
    ["USDT alone", equity("103.12345678", row("USDT", "103.12345678")), "103.12345678"],
    ["single-asset mode: the other dollars too", equity("10.50", row("USDC", "5"), row("USDT", "10.5")), "15.5"],
    ["single-asset mode: no coins", equity("10", row("USDT", "10"), row("BNB", "3"), row("BTC", "1")), "10"],
    ["single-asset mode without USDT", equity("0.00000000", row("BNFCR", "7"), row("USDT", "0")), "7"],
    ["a list without USDT", equity("0", row("USDC", "7")), "7"],
    // Account Information V3, multi-assets mode: 23.72469206 USDT and 103.12345678 BUSD are worth 126.72469206.
    [
      "multi-assets mode: the venue's own total",
      equity("126.72469206", row("USDT", "23.72469206"), row("BUSD", "103.12345678")),
      "126.72469206",
    ],
    ["multi-assets mode in debt", equity("-3", row("USDT", "-10"), row("BTC", "0.0001")), "-3"],
  ])("%s", (_fact, found, expected) => expect(found).toBe(expected));

  test.each([
    ["no total", { assets: [] }],
    ["no assets", { totalMarginBalance: "1" }],
    ["an asset without a balance", { totalMarginBalance: "1", assets: [{ asset: "USDT" }] }],
    ["a balance in words", { totalMarginBalance: "1", assets: [row("USDT", "much")] }],
  ])("refuses %s", (_fact, body) => expect(() => readEquity(parseJson(JSON.stringify(body)))).toThrow());
});

test("readTransfers() reads the documented rows, and leaves out what is none", () => {
  const documented =
    '[{"symbol":"","incomeType":"TRANSFER","income":"-0.37500000","asset":"USDT","info":"TRANSFER","time":1570608000000,"tranId":9689322392,"tradeId":""},' +
    '{"symbol":"BTCUSDT","incomeType":"COMMISSION","income":"-0.01000000","asset":"USDT","info":"COMMISSION","time":1570636800000,"tranId":9689322392,"tradeId":"2059192"}]';
  const rows = readTransfers(parseJson(documented));
  expect(rows.map(({ asset, amount, time }) => [asset, plain(amount), Number(time)])).toEqual([
    ["USDT", "-0.375", 1_570_608_000_000],
  ]);
  expect(() => readTransfers(parseJson(documented.replace('"asset":"USDT",', "")))).toThrow();
  expect(() => readTransfers(parseJson("{}"))).toThrow();
});

describe("readFills()", () => {
  const documented =
    '[{"buyer":false,"commission":"-0.07819010","commissionAsset":"USDT","id":698759,"maker":false,"orderId":25851813,"price":"7819.01","qty":"0.002","quoteQty":"15.63802","realizedPnl":"-0.91539999","side":"SELL","positionSide":"SHORT","symbol":"BTCUSDT","time":1569514978020}]';

  test("reads the documented row", () => {
    const [row] = readFills(parseJson(documented));
    const { price, quantity, ...value } = row?.value ?? {};
    expect([row?.id, Number(row?.time), price && plain(price), quantity && plain(quantity)]).toEqual([
      "698759",
      1_569_514_978_020,
      "7819.01",
      "0.002",
    ]);
    expect(JSON.parse(JSON.stringify(value))).toEqual({
      positionSide: "SHORT",
      side: "SELL",
      orderId: "25851813",
      time: 1_569_514_978_020,
    });
  });

  test.each([
    ["no leg", '"positionSide":"SHORT",', ""],
    ["no id", '"id":698759,', ""],
    ["a quantity of nothing", '"qty":"0.002"', '"qty":"0.000"'],
    ["a negative quantity", '"qty":"0.002"', '"qty":"-0.002"'],
    ["a side that is none", '"side":"SELL"', '"side":"sell"'],
  ])("refuses a row with %s", (_fact, part, other) => {
    expect(() => readFills(parseJson(documented.replace(part, other)))).toThrow();
  });
});

test("readPastOrders() reads the documented row, with an id of nineteen digits too", () => {
  const documented =
    '[{"avgPrice":"0.00000","clientOrderId":"abc","cumQuote":"0","executedQty":"0","orderId":1917641,"origQty":"0.40","origType":"TRAILING_STOP_MARKET","price":"0","reduceOnly":false,"side":"BUY","positionSide":"SHORT","status":"NEW","stopPrice":"9300","closePosition":false,"symbol":"BTCUSDT","time":1579276756075,"timeInForce":"GTC","type":"TRAILING_STOP_MARKET","activatePrice":"9020","priceRate":"0.3","updateTime":1579276756075,"workingType":"CONTRACT_PRICE","priceProtect":false}]';
  const [row] = readPastOrders(parseJson(documented.replace("1917641", "8389765500000000001")));
  expect([row?.id, Number(row?.time), row && plain(row.value.executed)]).toEqual([
    "8389765500000000001",
    1_579_276_756_075,
    "0",
  ]);
  expect(row?.value).toMatchObject({ orderId: "8389765500000000001", clientOrderId: "abc", positionSide: "SHORT" });
  expect(() => readPastOrders(parseJson(documented.replace('"executedQty":"0",', "")))).toThrow();
});

describe("readProtectiveStops()", () => {
  // Current All Algo Open Orders; the documented row is a TAKE_PROFIT with a quantity.
  const documented =
    '{"algoId":2148627,"clientAlgoId":"MRumok0dkhrP4kCm12AHaB","algoType":"CONDITIONAL","orderType":"TAKE_PROFIT","symbol":"BNBUSDT","side":"SELL","positionSide":"BOTH","timeInForce":"GTC","quantity":"0.01","algoStatus":"NEW","actualOrderId":"","actualPrice":"0.00000","triggerPrice":"750.000","price":"750.000","icebergQuantity":null,"tpTriggerPrice":"0.000","tpPrice":"0.000","slTriggerPrice":"0.000","slPrice":"0.000","tpOrderType":"","selfTradePreventionMode":"EXPIRE_MAKER","workingType":"CONTRACT_PRICE","priceMatch":"NONE","closePosition":false,"priceProtect":false,"reduceOnly":false,"createTime":1750514941540,"updateTime":1750514941540,"triggerTime":0,"goodTillDate":0}';
  const whole = documented
    .replace('"orderType":"TAKE_PROFIT"', '"orderType":"STOP_MARKET"')
    .replace('"closePosition":false', '"closePosition":true');
  const read = (...rows: readonly string[]) =>
    readProtectiveStops(parseJson(`[${rows.join(",")}]`)).map(({ triggerPrice, ...stop }) => {
      return { ...stop, triggerPrice: plain(triggerPrice) };
    });
  const stop = {
    symbol: "BNBUSDT",
    positionSide: "BOTH" as const,
    side: "SELL" as const,
    triggerPrice: "750",
    orderId: "2148627",
    clientOrderId: "MRumok0dkhrP4kCm12AHaB",
  };

  test("reads a stop of the whole leg", () => expect(read(whole)).toEqual([stop]));

  test("leaves out every other order, whatever it lacks", () => {
    const none = [
      documented,
      documented.replace("TAKE_PROFIT", "STOP_MARKET"),
      whole.replace("STOP_MARKET", "TAKE_PROFIT_MARKET"),
      '{"algoId":1}',
      '{"algoId":1,"closePosition":true}',
    ];
    expect(read(...none)).toEqual([]);
    expect(read(...none, whole)).toEqual([stop]);
  });

  test.each([
    ["a side", '"side":"SELL",'],
    ["a leg", '"positionSide":"BOTH",'],
    ["a trigger", '"triggerPrice":"750.000",'],
    ["an id", '"algoId":2148627,'],
  ])("refuses a stop of the whole leg without %s", (_fact, part) => {
    expect(() => read(whole.replace(part, ""))).toThrow();
  });
});

test("readPlacedStop() reads the documented answer to a new algo order", () => {
  const documented =
    '{"algoId":2146760,"clientAlgoId":"6B2I9XVcJpCjqPAJ4YoFX7","algoType":"CONDITIONAL","orderType":"TAKE_PROFIT","symbol":"BNBUSDT","side":"SELL","positionSide":"BOTH","timeInForce":"GTC","quantity":"0.01","algoStatus":"NEW","triggerPrice":"750.000","price":"750.000","icebergQuantity":null,"selfTradePreventionMode":"EXPIRE_MAKER","workingType":"CONTRACT_PRICE","priceMatch":"NONE","closePosition":false,"priceProtect":false,"reduceOnly":false,"activatePrice":"","callbackRate":"","createTime":1750485492076,"updateTime":1750485492076,"triggerTime":0,"goodTillDate":0}';
  expect(readPlacedStop(parseJson(documented))).toEqual({
    algoId: "2146760",
    clientAlgoId: "6B2I9XVcJpCjqPAJ4YoFX7",
    symbol: "BNBUSDT",
    algoStatus: "NEW",
    closePosition: false,
  });
  expect(() => readPlacedStop(parseJson(documented.replace('"closePosition":false,', "")))).toThrow();
});

test("readCandles() reads the documented candle, and refuses one that is cut short", () => {
  const documented =
    '[[1591256460000,"9653.29201333","9654.56401333","9653.07367333","9653.07367333","0	",1591256519999,"0",60,"0","0","0"]]';
  const text = documented.replace("\t", "");
  expect(
    readCandles(parseJson(text)).map(({ openTime, high, low }) => [Number(openTime), plain(high), plain(low)]),
  ).toEqual([[1_591_256_460_000, "9654.56401333", "9653.07367333"]]);
  expect(() => readCandles(parseJson('[[1591256460000,"9653.29201333","9654.56401333"]]'))).toThrow();
  expect(() => readCandles(parseJson('[{"openTime":1}]'))).toThrow();
});
