/** The key of the account's stream: asked for with the API key alone, and a secret like it, for it is all that the stream asks. */

import * as z from "zod/mini";
import { known, type Reading, unknown } from "../../core/reading.ts";
import type { Rest } from "./rest.ts";

/** The code for a key that the venue does not know any more. */
const KEY_GONE = -1125;

const PATH = "/fapi/v1/listenKey";
const answer = z.object({ listenKey: z.string().check(z.regex(/^[\x21-\x7e]+$/)) });

/** What became of a renewal. No `why` holds the key. */
type Renewal =
  | { readonly kind: "renewed" }
  /** The venue has forgotten it: a new one is needed. */
  | { readonly kind: "gone"; readonly why: string }
  /** Not known; the key lives for a while yet. */
  | { readonly kind: "failed"; readonly why: string };

/**
 * The keys of one account. Neither method rejects, and each settles within its deadline.
 *
 * A key is never taken back: the venue gives every caller of an account the same one, so that would end the streams of the bot
 * that is being guarded.
 */
export interface ListenKeys {
  /** The account's key, made or prolonged for 60 min (USDⓈ-M docs, Start User Data Stream). */
  obtain(): Promise<Reading<string>>;
  /** Prolongs the account's key for 60 min. Where that is another one than `key` by now, `key` is gone. */
  renew(key: string): Promise<Renewal>;
}

/** The keys, by calls that take at most `deadlineMs`. */
export function listenKeys(rest: Pick<Rest, "keyed">, deadlineMs: number): ListenKeys {
  return {
    async obtain() {
      const reply = await rest.keyed("POST", PATH, deadlineMs);
      if (reply.kind !== "ok") return unknown(reply.why);
      const found = z.safeParse(answer, reply.json);
      return found.success ? known(found.data.listenKey) : unknown(`POST ${PATH}: the answer cannot be read`);
    },
    async renew(key) {
      const reply = await rest.keyed("PUT", PATH, deadlineMs);
      if (reply.kind === "ok") {
        const found = z.safeParse(answer, reply.json);
        // An older answer does not say which.
        if (!found.success || found.data.listenKey === key) return { kind: "renewed" };
        return { kind: "gone", why: `PUT ${PATH}: the account has another key by now` };
      }
      const gone = reply.kind === "error" && reply.error.code === KEY_GONE;
      return { kind: gone ? "gone" : "failed", why: reply.why };
    },
  };
}
