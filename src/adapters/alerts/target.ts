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

/** What became of one try. `refused`: another would end the same. `failed`: it may even have arrived. */
type Delivery = { readonly kind: "delivered" } | { readonly kind: "refused" | "failed"; readonly why: string };

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
}

function target(name: string, url: string, clock: Clock, { path, body, words }: Manners): Target {
  const { origin, hostname } = new URL(url);
  // One at a time: alerts arrive in the order in which they were sent.
  const pool = httpPool({ origin, connections: 1, clock });
  return {
    name,
    post: async (message, deadlineMs) => {
      const text = JSON.stringify(body(message));
      const headers = { "content-type": "application/json" };
      const outcome = await pool.send({ method: "POST", path, headers, body: text, deadlineMs });
      return judge(outcome, hostname, words);
    },
    dispose: () => pool.dispose(),
  };
}

function judge(outcome: HttpOutcome, hostname: string, words: (body: string) => string | null): Delivery {
  // A host's name can be the secret, too.
  if (outcome.kind === "no_answer") return { kind: "failed", why: outcome.why.replaceAll(hostname, "its host") };
  const { status, body } = outcome;
  if (status >= 200 && status < 300) return { kind: "delivered" };
  const said = words(body);
  const why = said === null ? `HTTP ${status}` : `HTTP ${status}, ${said}`;
  const passing = status >= 500 || status === 429 || status === 408;
  return { kind: passing ? "failed" : "refused", why };
}
