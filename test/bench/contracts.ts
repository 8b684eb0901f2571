/** Contracts for the benchmark: as many as a row needs, of three sizes, so that not every order looks alike. */

import { DEFAULT_SYMBOLS, type SymbolRules } from "../../src/sim/symbols.ts";

/** One kind of contract: a mark, the lots that go with it, and how much of it a position holds. */
interface Kind {
  readonly mark: string;
  readonly tick: string;
  readonly step: string;
  readonly amount: string;
  readonly pricePrecision: number;
  readonly quantityPrecision: number;
}

/** Marks of which 2 or 3 percent are whole ticks, so that resting orders need no rounding. */
const KINDS: readonly Kind[] = [
  { mark: "50000.0", tick: "0.1", step: "0.001", amount: "0.004", pricePrecision: 1, quantityPrecision: 3 },
  { mark: "150.00", tick: "0.01", step: "0.01", amount: "1.5", pricePrecision: 2, quantityPrecision: 2 },
  { mark: "0.20000", tick: "0.00001", step: "1", amount: "900", pricePrecision: 5, quantityPrecision: 0 },
];

/** A contract, and the position that a scene opens on it: a decimal string, negative for a short. */
export interface BenchContract {
  readonly rules: SymbolRules;
  readonly amount: string;
}

/** The first `count` contracts; the same ones every time. Every other position is a short. */
export function benchContracts(count: number): readonly BenchContract[] {
  const [template] = DEFAULT_SYMBOLS;
  if (template === undefined) throw new Error("The simulated venue lists no contract to copy");
  return Array.from({ length: count }, (_, index) => contract(template, index));
}

function contract(template: SymbolRules, index: number): BenchContract {
  const kind = KINDS[index % KINDS.length];
  if (kind === undefined) throw new Error(`No kind of contract for number ${index}`);
  const { mark, tick, step, amount, pricePrecision, quantityPrecision } = kind;
  const baseAsset = `COIN${String(index + 1).padStart(3, "0")}`;
  const rules: SymbolRules = {
    ...template,
    symbol: `${baseAsset}USDT`,
    pair: `${baseAsset}USDT`,
    baseAsset,
    pricePrecision,
    quantityPrecision,
    price: { min: tick, max: "1000000", tick },
    lot: { min: step, max: "1000000", step },
    marketLot: { min: step, max: "100000", step },
    minNotional: "5",
    mark,
  };
  return { rules, amount: index % 2 === 0 ? amount : `-${amount}` };
}
