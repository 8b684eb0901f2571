/** A request's parameters, read the way Binance reads them. Binance docs, General Info (binance.md 2.1). */

import { type Decimal, decimal } from "../core/decimal.ts";
import { refuse } from "./refusals.ts";

/** The parameters of one request: query and body together, the query winning where both have a name. */
export class Params {
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
  }

  /**
   * Parses the raw query and form body.
   *
   * @throws {Refused} -1100 for broken percent-encoding.
   */
  static parse(query: string, body: string): Params {
    return new Params(new Map([...pairs(body), ...pairs(query)]));
  }

  /** Whether the parameter was sent, empty or not. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value, or `null` if it was not sent. @throws {Refused} -1102 if it was sent empty (change log 2023-06-16). */
  optional(name: string): string | null {
    const value = this.#values.get(name);
    if (value === "") throw refuse("mandatory", name);
    return value ?? null;
  }

  /** The value. @throws {Refused} -1102 if it is missing or empty. */
  required(name: string): string {
    const value = this.optional(name);
    if (value === null) throw refuse("mandatory", name);
    return value;
  }

  /** A non-negative integer below 2^53, or `null`. @throws {Refused} -1102 */
  integer(name: string): number | null {
    const text = this.optional(name);
    if (text === null) return null;
    if (!/^\d{1,15}$/.test(text)) throw refuse("mandatory", name);
    return Number(text);
  }

  /** Plain digits of any length, as order ids are; or `null`. @throws {Refused} -1102 */
  digits(name: string): string | null {
    const text = this.optional(name);
    if (text !== null && !/^\d{1,20}$/.test(text)) throw refuse("mandatory", name);
    return text;
  }

  /** A plain decimal without sign or exponent, or `null`. @throws {Refused} -1102, which is how a negative quantity fails (ccxt#14854) */
  decimal(name: string): Decimal | null {
    const text = this.optional(name);
    if (text === null) return null;
    if (!/^\d{1,20}(\.\d{1,20})?$/.test(text)) throw refuse("mandatory", name);
    return decimal(text);
  }

  /** `true` or `false` in any case, or `null`. @throws {Refused} -1102 */
  flag(name: string): boolean | null {
    const text = this.optional(name)?.toLowerCase() ?? null;
    if (text === null) return null;
    if (text !== "true" && text !== "false") throw refuse("mandatory", name);
    return text === "true";
  }
}

function pairs(text: string): [string, string][] {
  return text
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const cut = pair.indexOf("=");
      return cut < 0 ? [decode(pair), ""] : [decode(pair.slice(0, cut)), decode(pair.slice(cut + 1))];
    });
}

function decode(text: string): string {
  try {
    // A raw `+` is a space in form encoding, so a Base64 signature sent without escaping cannot match: as on Binance.
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw refuse("illegalCharacters");
  }
}
