import { afterEach, describe, expect, test } from "bun:test";
import { byHttp, workerAnswers } from "../../../src/adapters/direct/call-http.ts";
import { openHttpDoor } from "../../../src/adapters/direct/http-door.ts";
import { eventText } from "../../../src/adapters/direct/protocol.ts";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import { freePort } from "../../../src/adapters/host/port.ts";
import { aLine, EVENT, say } from "../../support/direct.ts";

const SECRET = "secret";
const SIGNED = eventText(EVENT, SECRET);
const PATIENCE = { heardMs: 1_000, doneMs: 2_000 };
const OPEN = { outcome: "NOT_FLAT", open: ["BTCUSDT 0.5"] } as const;

let close: () => void = () => undefined;
let port = 0;
afterEach(() => close());

async function open(): Promise<ReturnType<typeof aLine>> {
  const line = aLine(SECRET);
  port = await freePort();
  const door = await openHttpDoor({ host: "127.0.0.1", port }, line, hostClock);
  if (!door.known) throw new Error(door.why);
  close = door.value.close;
  return line;
}

async function post(body: string, query = ""): Promise<readonly [status: number, body: unknown]> {
  const answer = await fetch(`http://127.0.0.1:${port}/panic${query}`, { method: "POST", body, keepalive: false });
  return [answer.status, await answer.json()];
}

describe("the worker's HTTP door", () => {
  test("takes a signed event, and says so at once", async () => {
    const line = await open();
    expect(await post(SIGNED)).toEqual([202, { heard: "e1" }]);
    expect(await line.next()).toMatchObject({ entryId: "", eventId: "e1", signature: "valid" });
  });

  test("waits for the outcome as long as it is asked to", async () => {
    const line = await open();
    expect(await post(SIGNED, "?wait_ms=50")).toEqual([202, { heard: "e1" }]);
    const waiting = post(SIGNED, "?wait_ms=5000");
    await line.next();
    line.ended("e1", OPEN);
    expect(await waiting).toEqual([200, { done: "e1", ...OPEN }]);
    expect(await post(SIGNED, "?wait_ms=5000")).toEqual([200, { done: "e1", ...OPEN }]);
  });

  test("says nothing but 401 to who can't sign, and hands nothing on", async () => {
    const line = await open();
    const forged = [eventText(EVENT, null), eventText(EVENT, "another"), SIGNED.replace("OPERATOR", "SOMEBODY")];
    for (const text of forged) expect(await post(text)).toEqual([401, { refused: "its sig is missing or wrong" }]);
    expect(await post(eventText({ ...EVENT, eventId: "e2" }, SECRET))).toEqual([202, { heard: "e2" }]);
    expect((await line.next()).eventId).toBe("e2");
  });

  test("an event that was caught on its way and is said again is answered, not executed again", async () => {
    const line = await open();
    await post(SIGNED);
    await line.next();
    line.ended("e1", OPEN);
    expect(await post(SIGNED, "?wait_ms=1000")).toEqual([200, { done: "e1", ...OPEN }]);
    let again = false;
    void line.next().then(() => (again = true));
    await Bun.sleep(50);
    expect(again).toBe(false);
  });

  test.each([
    ["no event", 400, "panic!"],
    ["a foreign issuer", 403, eventText({ ...EVENT, issuedBy: "somebody" as "ops" }, SECRET)],
    ["an event that is too long", 413, "x".repeat(50_000)],
  ])("refuses %s with %i", async (_fact, status, body) => {
    await open();
    expect((await post(body))[0]).toBe(status);
  });

  test("refuses an event with 503 while sixteen others wait", async () => {
    await open();
    const statuses: number[] = [];
    for (let i = 0; i < 17; i++) {
      statuses.push((await post(eventText({ ...EVENT, eventId: `e${i}` }, SECRET)))[0]);
    }
    expect([statuses.filter((status) => status === 202).length, statuses.at(-1)]).toEqual([16, 503]);
  });

  test("answers other paths and methods with 404 and 405", async () => {
    await open();
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
    const get = await fetch(`http://127.0.0.1:${port}/panic`);
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
  });

  test("hangs up on half a request, dripped or not, after two seconds", async () => {
    await open();
    const startedAt = performance.now();
    const half = say({ port }, "POST /panic HTTP/1.1\r\nContent-Le");
    const dripped = say({ port }, "POST /panic HTTP/1.1\r\n", ...Array.from({ length: 400 }, () => "X"));
    expect(await Promise.all([half, dripped])).toEqual(["", ""]);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test("a hundred callers without a word keep nobody out", async () => {
    const line = await open();
    const mute = Array.from({ length: 100 }, () => say({ port }, "POST"));
    await Bun.sleep(100);
    expect(await post(SIGNED)).toEqual([202, { heard: "e1" }]);
    expect((await line.next()).eventId).toBe("e1");
    await Promise.all(mute);
  });

  test("an address that can't be had is told, not thrown", async () => {
    await open();
    const second = await openHttpDoor({ host: "127.0.0.1", port }, aLine(SECRET), hostClock);
    expect(second).toMatchObject({ known: false, why: expect.stringContaining("EADDRINUSE") });
  });
});

describe("a call by HTTP", () => {
  const way = (): ReturnType<typeof byHttp> => byHttp(`http://127.0.0.1:${port}`, hostClock);

  test("brings the event, and what came of it back", async () => {
    const line = await open();
    const called = way().call(EVENT, SECRET, PATIENCE);
    expect((await line.next()).eventId).toBe("e1");
    line.ended("e1", OPEN);
    expect(await called).toEqual({ known: true, value: OPEN });
  });

  test("knows that it was heard where the outcome does not come in time, or is not waited for", async () => {
    await open();
    expect(await way().call(EVENT, SECRET, { heardMs: 1_000, doneMs: 100 })).toEqual({ known: true, value: null });
    expect(await way().call(EVENT, SECRET, { heardMs: 1_000, doneMs: 0 })).toEqual({ known: true, value: null });
  });

  test("tells why the worker refuses it", async () => {
    await open();
    const why = `http://127.0.0.1:${port}: the worker refuses it: its sig is missing or wrong`;
    expect(await way().call(EVENT, "another", PATIENCE)).toEqual({ known: false, why });
  });

  test("can be tried without an event", async () => {
    const line = await open();
    expect(await workerAnswers(`http://127.0.0.1:${port}`, hostClock)).toEqual({ known: true, value: null });
    close();
    expect((await workerAnswers(`http://127.0.0.1:${port}`, hostClock)).known).toBe(false);
    expect(line.log).toEqual([]);
  });

  test("a worker that is not there, or is somebody else, has not heard it", async () => {
    port = await freePort();
    expect((await way().call(EVENT, SECRET, PATIENCE)).known).toBe(false);
    const other = Bun.serve({ port, fetch: () => new Response("hello") });
    const called = await way().call(EVENT, SECRET, PATIENCE);
    await other.stop(true);
    expect(called).toMatchObject({ known: false, why: expect.stringContaining("HTTP 200") });
  });
});
