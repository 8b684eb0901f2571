import { describe, expect, test } from "bun:test";
import { loadAlerts } from "../../src/config/alerts.ts";
import type { Env } from "../../src/config/env.ts";
import { refused } from "./refused.ts";

const TOKEN = "123456:ABC-s3cret_x";

describe("loadAlerts()", () => {
  test("tells nobody where nothing is set", () => {
    expect(loadAlerts({})).toEqual({ webhooks: [], telegram: null });
    expect(loadAlerts({ ALERT_WEBHOOK_URL: "", TELEGRAM_BOT_TOKEN: "", TELEGRAM_CHAT_ID: "" })).toEqual({
      webhooks: [],
      telegram: null,
    });
  });

  test("takes several webhooks, and plain http on loopback", () => {
    const env = { ALERT_WEBHOOK_URL: "https://hooks.example/T0/B0?x=1, http://127.0.0.1:9/a,http://localhost/b" };
    expect(loadAlerts(env).webhooks).toEqual([
      "https://hooks.example/T0/B0?x=1",
      "http://127.0.0.1:9/a",
      "http://localhost/b",
    ]);
  });

  test.each(["42", "-1001234567890", "@my_channel"])("takes a bot and the chat %s", (chatId) => {
    const env = { TELEGRAM_BOT_TOKEN: TOKEN, TELEGRAM_CHAT_ID: chatId };
    expect(loadAlerts(env).telegram).toEqual({ token: TOKEN, chatId });
  });

  const GOOD = "https://ok.example/s3cret";
  const rows: readonly (readonly [fact: string, env: Env, message: string])[] = [
    ["no URL", { ALERT_WEBHOOK_URL: "s3cret" }, "ALERT_WEBHOOK_URL is not a URL"],
    ["another scheme", { ALERT_WEBHOOK_URL: "ftp://s3cret" }, "ALERT_WEBHOOK_URL is not a URL"],
    ["a comma too many", { ALERT_WEBHOOK_URL: `${GOOD},` }, "ALERT_WEBHOOK_URL, URL 2 is not a URL"],
    ["plain http", { ALERT_WEBHOOK_URL: `${GOOD},http://s3cret.example/` }, "ALERT_WEBHOOK_URL, URL 2 is plain http"],
    ["a password", { ALERT_WEBHOOK_URL: "https://a:s3cret@x/" }, "ALERT_WEBHOOK_URL has a user, a password"],
    [
      "a fragment",
      { ALERT_WEBHOOK_URL: "https://x/#s3cret" },
      "ALERT_WEBHOOK_URL has a user, a password or a fragment",
    ],
    ["a bot without a chat", { TELEGRAM_BOT_TOKEN: TOKEN }, "TELEGRAM_BOT_TOKEN is set without TELEGRAM_CHAT_ID"],
    ["a chat without a bot", { TELEGRAM_CHAT_ID: "42" }, "TELEGRAM_CHAT_ID is set without TELEGRAM_BOT_TOKEN"],
    [
      "a token with a path in it",
      { TELEGRAM_BOT_TOKEN: "1:s3cret/x", TELEGRAM_CHAT_ID: "42" },
      "TELEGRAM_BOT_TOKEN is not a bot's token",
    ],
    [
      "the token in the place of the chat",
      { TELEGRAM_BOT_TOKEN: TOKEN, TELEGRAM_CHAT_ID: TOKEN },
      "TELEGRAM_CHAT_ID is not a chat",
    ],
  ];
  test.each(rows)("refuses %s, and does not repeat it", (_fact, env, message) => {
    const said = refused(() => loadAlerts(env));
    expect(said).toStartWith(message);
    expect(said).toContain("expected");
    expect(said).not.toContain("s3cret");
  });
});
