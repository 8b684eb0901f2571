import type { Decimal } from "../core/decimal.ts";

/** Which of the venue's two streams: the marks of its contracts, or what happens in the account. */
export type StreamName = "marks" | "account";

/** One mark price, as the venue has just told it. */
export interface StreamedMark {
  readonly symbol: string;
  /** Positive. */
  readonly price: Decimal;
}

/** What a stream tells, and what is told of the streams. */
export type StreamEvent =
  /**
   * New marks of symbols that are wanted, at least one, each symbol once. They arrived just now: marks that were buffered while
   * this process stood still for long are not told. A symbol that the venue leaves out is left out here.
   */
  | { readonly kind: "marks"; readonly marks: readonly StreamedMark[] }
  /**
   * A position, an order, a conditional order or a setting of the account has changed, or may have: ask the venue now. What has
   * changed is not said, because the venue's own lists are the truth. One fill gives several of these within milliseconds. Told,
   * too, whenever the account's stream was opened, for what was missed until then.
   */
  | { readonly kind: "account_changed" }
  /**
   * From now on this stream tells what happens; what happened while it was quiet is not made up for. Told once, until it is
   * quiet.
   */
  | { readonly kind: "flowing"; readonly which: StreamName }
  /**
   * This stream can't be relied on: it has dropped, has not said anything for too long, or can't be opened. It is opened again
   * by itself for ever, with pauses. Told once, until it flows; a stream that can't be opened at the start is told, too. `why`
   * is complete and holds no secret.
   */
  | { readonly kind: "quiet"; readonly which: StreamName; readonly why: string };

/** What is wanted of the streams. */
export interface StreamWants {
  /** Whether marks of the symbol are wanted. Asked for each mark that arrives, so it may change its mind at any time. */
  wants(symbol: string): boolean;
  /**
   * Told synchronously, as soon as the bytes have been read, and never after the streams have ended. Must not throw, and must
   * not wait.
   */
  emit(event: StreamEvent): void;
}

/**
 * The venue's streams: they tell sooner what its lists tell anyway. Nothing may depend on them. A venue that streams nothing,
 * lies still or can't be reached makes the brain slower, never blind, and `account_changed` may be missing for a change.
 */
export interface VenueStream {
  /**
   * Opens both streams, and keeps each open by itself until `signal` aborts. Resolves then, once every socket is closed, within
   * a second; never before and never with an error. To be called once.
   */
  run(wants: StreamWants, signal: AbortSignal): Promise<void>;
}
