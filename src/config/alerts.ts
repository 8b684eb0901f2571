/** Where alerts go (contract section 2). */

import { type Env, variable } from "./env.ts";
import { isLoopback } from "./loopback.ts";
import { Refusal } from "./refusal.ts";
import { secret } from "./secret.ts";

/** Whom to tell; nobody if nothing is set. */
export interface AlertsConfig {
  /** URLs that take a POST. Each may hold a token, in any of its parts. */
  readonly webhooks: readonly string[];
  readonly telegram: { readonly token: string; readonly chatId: string } | null;
}

/**
 * Reads where alerts go.
 *
 * @throws {Refusal} naming the setting that is wrong, never its value: whoever knows it can write there.
 */
export function loadAlerts(env: Env): AlertsConfig {
  const urls = secret(env, "ALERT_WEBHOOK_URL")?.split(",") ?? [];
  return {
    webhooks: urls.map((url, i) => loadWebhook(url.trim(), urls.length === 1 ? "" : `, URL ${i + 1}`)),
    telegram: loadTelegram(secret(env, "TELEGRAM_BOT_TOKEN"), variable(env, "TELEGRAM_CHAT_ID")),
  };
}

function loadWebhook(text: string, which: string): string {
  const name = `ALERT_WEBHOOK_URL${which}`;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new Refusal(`${name} is not a URL: expected https://host/path, several separated by commas`);
  }
  if (url.username !== "" || url.password !== "" || url.hash !== "") {
    throw new Refusal(`${name} has a user, a password or a fragment: expected scheme, host, path and query only`);
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw new Refusal(`${name} is plain http: accepted on loopback only, expected https`);
  }
  return url.href;
}

function loadTelegram(token: string | null, chatId: string | null): AlertsConfig["telegram"] {
  if (token === null && chatId === null) return null;
  if (token === null) throw new Refusal("TELEGRAM_CHAT_ID is set without TELEGRAM_BOT_TOKEN: expected both");
  if (chatId === null) throw new Refusal("TELEGRAM_BOT_TOKEN is set without TELEGRAM_CHAT_ID: expected both");
  if (!/^\d+:[A-Za-z0-9_-]+$/.test(token)) {
    throw new Refusal("TELEGRAM_BOT_TOKEN is not a bot's token: expected 123456:letters, as BotFather gives it");
  }
  if (!/^(-?\d+|@[A-Za-z0-9_]+)$/.test(chatId)) {
    throw new Refusal("TELEGRAM_CHAT_ID is not a chat: expected its number, or @name of a public channel");
  }
  return { token, chatId };
}
