/**
 * What adapters/alerts promises, with real sockets, checked on whatever runtime runs this file. Prints one line per fact;
 * exits 1 at the first that does not hold. Run by http.test.ts on Bun, Deno and compiled.
 */

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { COURIER_LIMITS, type Courier, type CourierLimits, courier } from "../../src/adapters/alerts/courier.ts";
import { type Target, telegram, webhook } from "../../src/adapters/alerts/target.ts";
import { hostClock } from "../../src/adapters/host/clock.ts";
import type { Alert } from "../../src/core/alert.ts";

const TOKEN = "s3cret-t0ken";
const LIMITS: CourierLimits = { ...COURIER_LIMITS, deadlineMs: 300, pausesMs: [10, 10, 10] };
/** Far above every deadline here, far below "never": what a busy machine may add. */
const SLACK_MS = 5_000;

interface Received {
  readonly path: string;
  readonly type: string | undefined;
  readonly body: Record<string, unknown>;
}

interface Scene {
  readonly received: readonly Received[];
  /** Every line that was logged. */
  readonly said: readonly string[];
  readonly sending: Courier;
  readonly url: string;
}

type Answer = (response: ServerResponse, nth: number) => void;

const reply =
  (status: number, body = "") =>
  (response: ServerResponse): void => {
    response.writeHead(status);
    response.end(body);
  };

async function check(
  fact: string,
  answer: Answer,
  targets: (url: string) => readonly Target[],
  run: (scene: Scene) => Promise<string | null>,
  limits: CourierLimits = LIMITS,
): Promise<void> {
  const received: Received[] = [];
  const said: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Record<string, unknown>;
      received.push({ path: request.url ?? "", type: request.headers["content-type"], body });
      answer(response, received.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const log = { write: (_level: string, text: string) => void said.push(text) };
  const sending = courier({ role: "watchdog", targets: targets(url), clock: hostClock, log, limits });
  let complaint = await run({ received, said, sending, url });
  await sending.end();
  if (said.join("\n").includes(TOKEN)) complaint = `told the secret: ${said.join("\n")}`;
  server.closeAllConnections();
  server.close();
  console.log(`${complaint === null ? "ok  " : "FAIL"} ${fact}${complaint === null ? "" : `: ${complaint}`}`);
  if (complaint !== null) process.exit(1);
}

function alert(text: string): Alert {
  return { level: "critical", text, eventId: "event-2", incidentId: "event-1" };
}

async function until(what: string, holds: () => boolean): Promise<string | null> {
  const limit = performance.now() + SLACK_MS;
  while (performance.now() < limit) {
    if (holds()) return null;
    await hostClock.sleep(5);
  }
  return `not within ${SLACK_MS} ms: ${what}`;
}

function same(got: unknown, expected: unknown): string | null {
  const [is, should] = [JSON.stringify(got), JSON.stringify(expected)];
  return is === should ? null : `got ${is}, expected ${should}`;
}

const texts = (received: readonly Received[]): unknown[] => received.map(({ body }) => body["text"]);
const hook = (url: string): readonly Target[] => [webhook("the webhook", `${url}/hooks/${TOKEN}?a=1`, hostClock)];
const bot = (url: string): readonly Target[] => [telegram({ token: TOKEN, chatId: "-42" }, hostClock, url)];

await check("a webhook gets the alert as JSON, with the ids", reply(204), hook, async ({ received, sending }) => {
  sending.send(alert("héllo\nsecond line"));
  const late = await until("it is received", () => received.length === 1);
  const { path, type, body } = received[0] ?? { path: "", type: "", body: {} };
  const { at, ...rest } = body;
  const recent = typeof at === "number" && Math.abs(Date.now() - at) < SLACK_MS;
  const wanted = {
    role: "watchdog",
    level: "critical",
    text: "héllo\nsecond line",
    event_id: "event-2",
    incident_id: "event-1",
  };
  return (
    late ??
    same([path, type], [`/hooks/${TOKEN}?a=1`, "application/json"]) ??
    same(rest, wanted) ??
    (recent ? null : `at is ${String(at)}`)
  );
});

await check(
  "Telegram gets a message for the chat, with the ids",
  reply(200, "{}"),
  bot,
  async ({ received, sending }) => {
    sending.send(alert("FAILURE DETECTED"));
    const late = await until("it is received", () => received.length === 1);
    const text = "quantum watchdog\nFAILURE DETECTED\nEvent ID: event-2\nIncident: event-1";
    return (
      late ?? same(received[0]?.path, `/bot${TOKEN}/sendMessage`) ?? same(received[0]?.body, { chat_id: "-42", text })
    );
  },
);

await check(
  "what failed is tried again, and the order is kept",
  (response, nth) => reply(nth <= 2 ? 500 : 200)(response),
  hook,
  async ({ received, said, sending }) => {
    for (const text of ["1", "2", "3"]) sending.send(alert(text));
    const late = await until("all are received", () => received.length === 5);
    return late ?? same(texts(received), ["1", "1", "1", "2", "3"]) ?? same(said, []);
  },
);

await check(
  "a mute server is given up in time, told once, and the next alert is tried",
  () => undefined,
  hook,
  async ({ received, said, sending }) => {
    const startedAt = performance.now();
    sending.send(alert("1"));
    const tookMs = performance.now() - startedAt;
    if (tookMs > 100) return `send() took ${tookMs} ms`;
    sending.send(alert("2"));
    const late = await until("both are given up", () => said.length === 2);
    const line = "An alert was not delivered to the webhook: no answer within 300 ms, given up after 4 tries";
    return late ?? same(said, [line, line]) ?? same(texts(received), ["1", "1", "1", "1", "2", "2", "2", "2"]);
  },
);

await check(
  "what is refused is not tried again, and only Telegram's own words are told",
  reply(400, JSON.stringify({ ok: false, description: `Bad Request: chat not found (${TOKEN})` })),
  (url) => [...hook(url), ...bot(url)],
  async ({ received, said, sending }) => {
    sending.send(alert("1"));
    const late = await until("both are refused", () => said.length === 2);
    const lines = [
      "An alert was not delivered to Telegram: HTTP 400, Bad Request: chat not found (…)",
      "An alert was not delivered to the webhook: HTTP 400",
    ];
    return late ?? same([...said].sort(), lines) ?? same(received.length, 2);
  },
);

const busy = (seconds: number): string =>
  JSON.stringify({ ok: false, description: "Too Many Requests", parameters: { retry_after: seconds } });

await check(
  "Telegram is left alone for as long as it asks for, and then tried again",
  (response, nth) => reply(nth === 1 ? 429 : 200, nth === 1 ? busy(1) : "{}")(response),
  bot,
  async ({ received, said, sending }) => {
    const startedAt = performance.now();
    sending.send(alert("1"));
    const late = await until("it is received", () => received.length === 2);
    const tookMs = performance.now() - startedAt;
    return late ?? (tookMs >= 1_000 ? same(said, []) : `it was tried again after ${tookMs} ms`);
  },
);

await check(
  "Telegram is not left alone for longer than an alert may wait",
  (response, nth) => reply(nth === 1 ? 429 : 200, nth === 1 ? busy(86_400) : "{}")(response),
  bot,
  async ({ received, sending }) => {
    sending.send(alert("1"));
    return await until("it is received", () => received.length === 2);
  },
  { ...LIMITS, pauseMsMax: 50 },
);

await check(
  "a redirect is not followed",
  (response) => {
    response.writeHead(307, { location: "/elsewhere" });
    response.end();
  },
  hook,
  async ({ received, said, sending }) => {
    sending.send(alert("1"));
    const late = await until("it is told", () => said.length === 1);
    return late ?? same(said, ["An alert was not delivered to the webhook: HTTP 307"]) ?? same(received.length, 1);
  },
);

await check(
  "a full queue drops the oldest, and tells how many",
  (response, nth) => {
    setTimeout(() => reply(200)(response), nth === 1 ? 200 : 0);
  },
  hook,
  async ({ received, said, sending }) => {
    for (const text of ["1", "2", "3", "4", "5"]) sending.send(alert(text));
    const late = await until("three are received", () => received.length === 3 && said.length === 1);
    const line = "Alerts to the webhook dropped, with 2 waiting: the oldest 2";
    return late ?? same(texts(received), ["1", "4", "5"]) ?? same(said, [line]);
  },
  { ...LIMITS, waitingMax: 2 },
);

await check(
  "the end waits for what is under way, but not for long",
  () => undefined,
  hook,
  async ({ said, sending }) => {
    sending.send(alert("1"));
    sending.send(alert("2"));
    const startedAt = performance.now();
    await sending.end();
    const tookMs = performance.now() - startedAt;
    if (tookMs < 150 || tookMs > SLACK_MS) return `the end took ${tookMs} ms`;
    return same(said, ["Alerts to the webhook not delivered before the end: 2"]);
  },
  { ...LIMITS, deadlineMs: 60_000, endMs: 200 },
);

await check("the end loses nothing that can be delivered", reply(200), hook, async ({ received, said, sending }) => {
  sending.send(alert("1"));
  sending.send(alert("2"));
  await sending.end();
  return same(texts(received), ["1", "2"]) ?? same(said, []);
});

await check(
  "a host that can't be found is not named: its name can be the secret",
  () => undefined,
  () => [webhook("the webhook", `https://${TOKEN}.invalid/hook`, hostClock)],
  async ({ said, sending }) => {
    sending.send(alert("1"));
    const late = await until("it is told", () => said.length === 1);
    return late ?? (said[0]?.includes("its host") || said[0]?.includes("no answer within") ? null : `said ${said[0]}`);
  },
);

process.exit(0);
