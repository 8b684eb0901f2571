/** The contracts the simulated venue lists, with the filters their orders must pass. */

import { decimal, plain, ZERO } from "../core/decimal.ts";

/** The size limits of one order family; decimal strings, as exchangeInfo shows them. */
export interface LotRules {
  readonly min: string;
  readonly max: string;
  readonly step: string;
}

/** Whether a contract is traded. Source: Binance docs, Exchange Information (binance.md 4.5). */
export type SymbolStatus = (typeof SYMBOL_STATUSES)[number];

/** Every status that Binance documents. */
export const SYMBOL_STATUSES = [
  "PENDING_TRADING",
  "TRADING",
  "PRE_DELIVERING",
  "DELIVERING",
  "DELIVERED",
  "PRE_SETTLE",
  "SETTLING",
  "CLOSE",
] as const;

/** One contract. Source: Binance docs, Exchange Information (binance.md 4.5). */
export interface SymbolRules {
  readonly symbol: string;
  readonly pair: string;
  readonly contractType: "PERPETUAL" | "CURRENT_QUARTER" | "NEXT_QUARTER";
  /** Unix milliseconds; 4133404800000 is Binance's "never". */
  readonly deliveryDate: number;
  readonly onboardDate: number;
  readonly status: SymbolStatus;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly marginAsset: string;
  readonly pricePrecision: number;
  readonly quantityPrecision: number;
  readonly price: { readonly min: string; readonly max: string; readonly tick: string };
  /** LOT_SIZE: limit orders, and the outer bound of market orders. */
  readonly lot: LotRules;
  /** MARKET_LOT_SIZE: market orders; its `max` is usually the smaller one. */
  readonly marketLot: LotRules;
  readonly ordersMax: number;
  readonly minNotional: string;
  /** PERCENT_PRICE: how far above (`up`) and below (`down`) the mark a limit price may be. */
  readonly band: { readonly up: string; readonly down: string };
  readonly marketTakeBound: string;
  /** The mark price the contract starts with. */
  readonly mark: string;
  /** Order ids count up from here; unique per symbol only (binance.md 4.10). */
  readonly firstOrderId: string;
}

const NEVER = 4_133_404_800_000;

const BTCUSDT: SymbolRules = {
  symbol: "BTCUSDT",
  pair: "BTCUSDT",
  contractType: "PERPETUAL",
  deliveryDate: NEVER,
  onboardDate: 1_569_398_400_000,
  status: "TRADING",
  baseAsset: "BTC",
  quoteAsset: "USDT",
  marginAsset: "USDT",
  pricePrecision: 2,
  quantityPrecision: 3,
  price: { min: "556.80", max: "4529764", tick: "0.10" },
  lot: { min: "0.001", max: "1000", step: "0.001" },
  marketLot: { min: "0.001", max: "120", step: "0.001" },
  ordersMax: 200,
  minNotional: "50",
  band: { up: "1.0500", down: "0.9500" },
  marketTakeBound: "0.05",
  mark: "88000.00",
  firstOrderId: "4000000001",
};

/** What a new venue lists: the usual perpetuals, a USDC one, a quarterly, a name that is not ASCII, and one in credits. */
export const DEFAULT_SYMBOLS: readonly SymbolRules[] = [
  BTCUSDT,
  {
    ...BTCUSDT,
    symbol: "ETHUSDT",
    pair: "ETHUSDT",
    baseAsset: "ETH",
    price: { min: "39.86", max: "306177", tick: "0.01" },
    lot: { min: "0.001", max: "10000", step: "0.001" },
    marketLot: { min: "0.001", max: "2000", step: "0.001" },
    minNotional: "20",
    mark: "2900.00",
    // Real ids of this contract have 19 digits: more than a JavaScript number holds (binance.md 7.14).
    firstOrderId: "8389765500000000001",
  },
  {
    ...BTCUSDT,
    symbol: "SOLUSDT",
    pair: "SOLUSDT",
    baseAsset: "SOL",
    pricePrecision: 4,
    quantityPrecision: 2,
    price: { min: "0.4200", max: "6857", tick: "0.0100" },
    lot: { min: "0.01", max: "1000000", step: "0.01" },
    marketLot: { min: "0.01", max: "10000", step: "0.01" },
    minNotional: "5",
    mark: "136.0000",
  },
  {
    ...BTCUSDT,
    symbol: "BTCUSDC",
    pair: "BTCUSDC",
    quoteAsset: "USDC",
    marginAsset: "USDC",
    pricePrecision: 1,
    price: { min: "576.3", max: "1000000", tick: "0.1" },
    marketLot: { min: "0.001", max: "50", step: "0.001" },
    mark: "87990.0",
  },
  {
    ...BTCUSDT,
    symbol: "BTCUSDT_261225",
    contractType: "CURRENT_QUARTER",
    // 2026-12-25 08:00 UTC, the settlement time of the quarterlies.
    deliveryDate: 1_798_185_600_000,
    pricePrecision: 1,
    price: { min: "576.3", max: "1000000", tick: "0.1" },
    lot: { min: "0.001", max: "500", step: "0.001" },
    marketLot: { min: "0.001", max: "25", step: "0.001" },
    minNotional: "5",
    mark: "88450.0",
  },
  {
    ...BTCUSDT,
    symbol: "币安人生USDT",
    pair: "币安人生USDT",
    baseAsset: "币安人生",
    pricePrecision: 7,
    quantityPrecision: 0,
    price: { min: "0.0000100", max: "200", tick: "0.0000100" },
    lot: { min: "1", max: "10000000", step: "1" },
    marketLot: { min: "1", max: "300000", step: "1" },
    minNotional: "5",
    band: { up: "1.1500", down: "0.8500" },
    marketTakeBound: "0.15",
    mark: "0.1500000",
  },
  {
    ...BTCUSDT,
    symbol: "MOVEUSDT",
    pair: "MOVEUSDT",
    baseAsset: "MOVE",
    // Binance's credits of accounts in the EU; recorded in freqtrade#11783 (binance.md 7.6).
    marginAsset: "BNFCR",
    pricePrecision: 4,
    quantityPrecision: 0,
    price: { min: "0.0001", max: "200", tick: "0.0001" },
    lot: { min: "1", max: "10000000", step: "1" },
    marketLot: { min: "1", max: "500000", step: "1" },
    minNotional: "5",
    mark: "0.1200",
  },
];

/** `count` contracts: `DEFAULT_SYMBOLS` first, then made-up ones called `SIM001USDT`, `SIM002USDT` and so on. */
export function manySymbols(count: number): readonly SymbolRules[] {
  const more = Math.max(count - DEFAULT_SYMBOLS.length, 0);
  const madeUp = Array.from({ length: more }, (_, index): SymbolRules => {
    const baseAsset = `SIM${String(index + 1).padStart(3, "0")}`;
    return {
      ...BTCUSDT,
      symbol: `${baseAsset}USDT`,
      pair: `${baseAsset}USDT`,
      baseAsset,
      pricePrecision: 4,
      quantityPrecision: 1,
      price: { min: "0.0100", max: "100000", tick: "0.0010" },
      lot: { min: "0.1", max: "1000000", step: "0.1" },
      marketLot: { min: "0.1", max: "50000", step: "0.1" },
      minNotional: "5",
      mark: `${10 + (index % 90)}.0000`,
    };
  });
  return [...DEFAULT_SYMBOLS.slice(0, count), ...madeUp];
}

/** New lots for a contract, as positive decimal strings; what is not named stays. */
export interface LotChange {
  /** The step of limit and market orders. */
  readonly step?: string | undefined;
  /** The minimum of both. */
  readonly min?: string | undefined;
  /** The maximum of limit orders. */
  readonly max?: string | undefined;
  /** The maximum of market orders. */
  readonly marketMax?: string | undefined;
}

/**
 * The contract with other lots.
 *
 * The precision grows with a finer step but never shrinks: what is held already must still be written out in full.
 *
 * @throws {Error} for a number that is not positive, or a minimum above a maximum.
 */
export function withLots(rules: SymbolRules, { step, min, max, marketMax }: LotChange): SymbolRules {
  const change = (lot: LotRules, most: string | undefined): LotRules => {
    return { min: min ?? lot.min, max: most ?? lot.max, step: step ?? lot.step };
  };
  const lot = change(rules.lot, max);
  const marketLot = change(rules.marketLot, marketMax);
  for (const [name, value] of Object.entries({ step, min, max, marketMax })) {
    if (value !== undefined && decimal(value).lte(ZERO)) {
      throw new Error(`${name} of ${rules.symbol} is ${value}: expected a positive number`);
    }
  }
  for (const family of [lot, marketLot]) {
    if (decimal(family.min).gt(decimal(family.max))) {
      throw new Error(`min of ${rules.symbol} is ${family.min}: expected at most the maximum, ${family.max}`);
    }
  }
  const finest = Math.max(...[lot.step, lot.min].map((text) => plain(decimal(text)).split(".")[1]?.length ?? 0));
  return { ...rules, lot, marketLot, quantityPrecision: Math.max(rules.quantityPrecision, finest) };
}
