/** The places that alerts are sent to, and how each takes them. No reason given here holds a URL, a path or a token. */

import type { Alert } from "../../core/alert.ts";
import type { UnixMillis } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import { type HttpOutcome, httpPool } from "../http/pool.ts";

/** An alert as it is sent. */
export interface Message extends Alert {
  /** Who says it. */
  readonly role: string;
  readonly at: UnixMillis;
}

/**
 * What became of one try. `refused`: another would end the same. `failed`: it may even have arrived; `retryAfterMs` is how long
 * the place wants to be left alone, 0 if it does not say.
 */
type Delivery =
  | { readonly kind: "delivered" }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string; readonly retryAfterMs: number };

/** One place. */
export interface Target {
  /** Its name in the log: not its address, which may be all that it takes to write there. */
  readonly name: string;
  /** One try, within `deadlineMs`. Never rejects. */
  post(message: Message, deadlineMs: number): Promise<Delivery>;
  dispose(): Promise<void>;
}

/** Where Telegram's bots are spoken to. */
const TELEGRAM = "https://api.telegram.org";

/** Of a refusal's own words this much is told. */
const WORDS_MAX = 200;

/** A POST with the alert as JSON. */
export function webhook(name: string, url: string, clock: Clock): Target {
  const { pathname, search } = new URL(url);
  return target(name, url, clock, {
    path: `${pathname}${search}`,
    body: ({ role, level, text, eventId, incidentId, at }) => ({
      role,
      level,
      text,
      event_id: eventId,
      incident_id: incidentId,
      at,
    }),
    words: () => null,
    retryAfterMs: () => 0,
  });
}

/** A bot of Telegram, and the chat that it writes to. */
export interface TelegramChat {
  readonly token: string;
  readonly chatId: string;
}

/** Telegram's sendMessage; `origin` is another one in tests. */
export function telegram({ token, chatId }: TelegramChat, clock: Clock, origin: string = TELEGRAM): Target {
  return target("Telegram", origin, clock, {
    path: `/bot${token}/sendMessage`,
    body: (message) => ({ chat_id: chatId, text: inWords(message) }),
    // Without it, a wrong chat id looks like any other refusal.
    words: (body) => /"description":"([^"]*)"/.exec(body)?.[1]?.replaceAll(token, "…").slice(0, WORDS_MAX) ?? null,
    retryAfterMs: (body) => Number(/"retry_after":(\d{1,6})\b/.exec(body)?.[1] ?? 0) * 1_000,
  });
}

function inWords({ role, text, eventId, incidentId }: Message): string {
  const lines = [`quantum ${role}`, text];
  if (eventId !== null) lines.push(`Event ID: ${eventId}`);
  if (incidentId !== eventId) lines.push(`Incident: ${incidentId}`);
  return lines.join("\n");
}

/** What is particular about a place. */
interface Manners {
  readonly path: string;
  body(message: Message): object;
  /** What a refusal says of itself and may be told; null for nothing. */
  words(body: string): string | null;
  /** How long a refusal wants no other try, in milliseconds; 0 where it does not say. */
  retryAfterMs(body: string): number;
}

function target(name: string, url: string, clock: Clock, manners: Manners): Target {
  const { path, body } = manners;
  const { origin, hostname } = new URL(url);
  // One at a time: alerts arrive in the order in which they were sent.
  const pool = httpPool({ origin, connections: 1, clock });
  return {
    name,
    post: async (message, deadlineMs) => {
      const text = JSON.stringify(body(message));
      const headers = { "content-type": "application/json" };
      const outcome = await pool.send({ method: "POST", path, headers, body: text, deadlineMs });
      return judge(outcome, hostname, manners);
    },
    dispose: () => pool.dispose(),
  };
}

function judge(outcome: HttpOutcome, hostname: string, { words, retryAfterMs }: Manners): Delivery {
  // A host's name can be the secret, too.
  if (outcome.kind === "no_answer") {
    return { kind: "failed", why: outcome.why.replaceAll(hostname, "its host"), retryAfterMs: 0 };
  }
  const { status, body } = outcome;
  if (status >= 200 && status < 300) return { kind: "delivered" };
  const said = words(body);
  const why = said === null ? `HTTP ${status}` : `HTTP ${status}, ${said}`;
  const passing = status >= 500 || status === 429 || status === 408;
  return passing ? { kind: "failed", why, retryAfterMs: retryAfterMs(body) } : { kind: "refused", why };
}
