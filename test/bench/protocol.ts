/** What the benchmark and its venue say to each other: one JSON object per line, one answer per command, in order. */

/** A command to the venue. */
export type VenueCommand =
  /** Serve, on the port of the first time. */
  | { readonly do: "open" }
  /** Cut every connection and refuse new ones. */
  | { readonly do: "shut" }
  /** This many positions, half of them with resting orders if `orders`, and nothing else on the account. */
  | { readonly do: "set"; readonly positions: number; readonly orders: boolean }
  /** Another mark for one contract, streamed at once. */
  | { readonly do: "mark"; readonly symbol: string; readonly price: string }
  /** Streams that carry something, or that are silent for the client to find out. */
  | { readonly do: "stream"; readonly mood: "flowing" | "quiet" }
  | { readonly do: "report" };

/** The first line a venue writes. */
export interface VenueGreeting {
  readonly url: string;
}

/** What a venue says of itself after every command. */
export interface VenueReport {
  /** Open positions: the truth, not a client's view. */
  readonly positions: number;
  /** Resting orders of both families. */
  readonly resting: number;
  /** When each execution since the last `set` happened, Unix ms on the machine's clock. */
  readonly fills: readonly number[];
  /** When a mark was moved last, Unix ms on the machine's clock; null: none was. */
  readonly markedAt: number | null;
  /** TLS handshakes completed since the venue was started. */
  readonly handshakes: number;
  /** What has been asked since the last `set`. */
  readonly steps: readonly VenueStep[];
}

/** All requests of one kind since the last `set`. */
export interface VenueStep {
  /** `METHOD path`. */
  readonly call: string;
  readonly count: number;
  /** How many were not answered 200. */
  readonly refused: number;
  /** Execution at the venue, Unix ms. */
  readonly firstAt: number;
  readonly lastAt: number;
}
