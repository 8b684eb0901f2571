import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import { type HttpOutcome, type HttpPool, httpPool } from "../../../src/adapters/http/pool.ts";

// What a runtime could break is checked on each of them in test/runtime/http-smoke.ts; here is the rest.

let server: Server;
let origin = "";
const targets: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    targets.push(request.url ?? "");
    if (request.url === "/hang") return;
    if (request.url === "/echo") {
      request.pipe(response);
      return;
    }
    if (request.url === "/endless") {
      const chunk = Buffer.alloc(256 * 1024, "x");
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        response.once("drain", more);
      };
      more();
      return;
    }
    response.writeHead(418, { "x-mbx-used-weight-1m": "7" });
    response.end("héllo 币");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const open = (): HttpPool => httpPool({ origin, connections: 2, clock: hostClock });
const get = (pool: HttpPool, path: string, headers = {}, deadlineMs = 5_000): Promise<HttpOutcome> =>
  pool.send({ method: "GET", path, headers, deadlineMs });

describe("send()", () => {
  test("gives status, headers and the body as UTF-8, whatever the status", async () => {
    const pool = open();
    expect(await get(pool, "/")).toMatchObject({
      kind: "answer",
      status: 418,
      headers: { "x-mbx-used-weight-1m": "7" },
      body: "héllo 币",
    });
    await pool.dispose();
  });

  test("sends the path byte for byte", async () => {
    const pool = open();
    const path = "/a/../b?q=%27+%7e~%2A&empty=&signature=%3D";
    await get(pool, path);
    expect(targets.at(-1)).toBe(path);
    await pool.dispose();
  });

  test("sends a body as UTF-8, and none where none is given", async () => {
    const pool = open();
    const post = { method: "POST", path: "/echo", headers: {}, deadlineMs: 5_000 } as const;
    expect(await pool.send({ ...post, body: '{"a":"é 币"}' })).toMatchObject({ kind: "answer", body: '{"a":"é 币"}' });
    expect(await pool.send(post)).toMatchObject({ kind: "answer", body: "" });
    await pool.dispose();
  });

  test("stops reading an answer that does not end", async () => {
    const pool = open();
    expect(await get(pool, "/endless")).toEqual({
      kind: "no_answer",
      why: "the answer is larger than 16777216 bytes",
      sent: "maybe",
    });
    await pool.dispose();
  });

  const unsendable = [
    ["a path with a space", "/a b", {}],
    ["a path that is none", "a", {}],
    ["a header that would start another", "/", { a: "b\r\nc: d" }],
  ] as const;
  for (const [fact, path, headers] of unsendable) {
    test(`${fact} is certainly not sent, and nothing is thrown`, async () => {
      const pool = open();
      const before = targets.length;
      expect(await get(pool, path, headers)).toMatchObject({ kind: "no_answer", sent: "no" });
      expect(targets.length).toBe(before);
      await pool.dispose();
    });
  }

  for (const deadlineMs of [0, -5]) {
    test(`with ${deadlineMs} ms left nothing is sent`, async () => {
      const pool = open();
      await get(pool, "/");
      const before = targets.length;
      expect(await get(pool, "/", {}, deadlineMs)).toMatchObject({ kind: "no_answer", sent: "no" });
      expect(targets.length).toBe(before);
      await pool.dispose();
    });
  }
});

test("dispose() ends what is in flight, and what comes later is certainly not sent", async () => {
  const pool = open();
  const inFlight = get(pool, "/hang");
  while (!targets.includes("/hang")) await hostClock.sleep(5);
  await pool.dispose();
  expect(await inFlight).toMatchObject({ kind: "no_answer", sent: "maybe" });
  expect(await get(pool, "/")).toMatchObject({ kind: "no_answer", sent: "no" });
});
