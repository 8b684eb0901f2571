/** How the streams behave, and how that is changed while they are served. No sockets: `stream-server.ts` carries it out. */

import { oneOf, optionalFlag, optionalText, parseFields } from "./control-fields.ts";

/** The two families of streams, by the first part of their path. */
export const STREAM_FAMILIES = ["market", "private"] as const;
/** One of them. */
export type StreamFamily = (typeof STREAM_FAMILIES)[number];

/** `quiet`: open, pings are answered, nothing is sent. `frozen`: not even that, as over a link that is gone. */
const STREAM_MOODS = ["flowing", "quiet", "frozen"] as const;
type StreamMood = (typeof STREAM_MOODS)[number];

const DELAY_MS_MAX = 60_000;

/** One family's behaviour. */
export interface StreamManner {
  readonly mood: StreamMood;
  /** How much later than usual everything is sent. */
  readonly delayMs: number;
}

/** What a change asks of the sockets that are open. */
export type StreamBlow = "drop" | "expire_keys";

/** The behaviour of all streams: flowing, until it is changed. */
export class StreamBook {
  readonly #manners = new Map<StreamFamily, StreamManner>();
  #strike: (blow: StreamBlow, families: readonly StreamFamily[]) => void = () => undefined;

  /** How that family behaves now. */
  manner(family: StreamFamily): StreamManner {
    return this.#manners.get(family) ?? { mood: "flowing", delayMs: 0 };
  }

  /** Who carries out what is asked of open sockets. */
  onStrike(strike: (blow: StreamBlow, families: readonly StreamFamily[]) => void): void {
    this.#strike = strike;
  }

  /**
   * Changes what the JSON object names: `which` (both if it is not given), `mood`, `delayMs` as a string, and with `drop` or
   * `expireKeys` true what happens once, at once.
   *
   * @throws {Error} naming the field, having changed nothing.
   */
  change(body: string): void {
    const fields = parseFields(body);
    const families = fields["which"] === undefined ? STREAM_FAMILIES : [oneOf(fields, "which", STREAM_FAMILIES)];
    const mood = fields["mood"] === undefined ? null : oneOf(fields, "mood", STREAM_MOODS);
    const delayMs = readDelay(optionalText(fields, "delayMs"));
    const drops = optionalFlag(fields, "drop") === true;
    const expires = optionalFlag(fields, "expireKeys") === true;
    for (const family of families) {
      const before = this.manner(family);
      this.#manners.set(family, { mood: mood ?? before.mood, delayMs: delayMs ?? before.delayMs });
    }
    if (drops) this.#strike("drop", families);
    if (expires) this.#strike("expire_keys", families);
  }

  /** Each family's behaviour, as JSON. */
  shown(): Readonly<Record<StreamFamily, StreamManner>> {
    return { market: this.manner("market"), private: this.manner("private") };
  }
}

function readDelay(text: string | null): number | null {
  if (text === null) return null;
  const ms = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!(ms <= DELAY_MS_MAX)) throw new Error(`delayMs must be a whole number up to ${DELAY_MS_MAX}, not ${text}`);
  return ms;
}
