/** The keys of the accounts' streams: one for each account, an hour each. Source: Binance docs, User Data Streams: Connect. */

import { randomBytes } from "node:crypto";
import type { UnixMillis } from "../core/time.ts";

/** An hour, as documented. */
export const LISTEN_KEY_MS = 3_600_000;

interface Lease {
  readonly key: string;
  until: UnixMillis;
}

/** The keys of a venue. */
export class ListenKeys {
  readonly #now: () => UnixMillis;
  /** By API key. One that has run out stays until it is asked for. */
  readonly #leases = new Map<string, Lease>();

  constructor(now: () => UnixMillis) {
    this.#now = now;
  }

  /** The account's key, prolonged, or a new one. */
  obtain(apiKey: string): string {
    const lease = this.#alive(apiKey) ?? { key: randomBytes(32).toString("hex"), until: this.#now() };
    lease.until = (this.#now() + LISTEN_KEY_MS) as UnixMillis;
    this.#leases.set(apiKey, lease);
    return lease.key;
  }

  /** The account's key, prolonged; null if it has none. */
  renew(apiKey: string): string | null {
    return this.#alive(apiKey) === null ? null : this.obtain(apiKey);
  }

  /** The account has no key any more; false if it had none. */
  close(apiKey: string): boolean {
    const had = this.#alive(apiKey) !== null;
    this.#leases.delete(apiKey);
    return had;
  }

  /** Every key runs out now. */
  expireAll(): void {
    for (const lease of this.#leases.values()) lease.until = this.#now();
  }

  /** The account that the key is of, and whether it has run out; null for a key that is none, or was closed. */
  ownerOf(key: string): { readonly apiKey: string; readonly expired: boolean } | null {
    for (const [apiKey, lease] of this.#leases) {
      if (lease.key === key) return { apiKey, expired: this.#now() >= lease.until };
    }
    return null;
  }

  #alive(apiKey: string): Lease | null {
    const lease = this.#leases.get(apiKey);
    return lease === undefined || this.#now() >= lease.until ? null : lease;
  }
}
