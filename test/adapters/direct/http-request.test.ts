import { describe, expect, test } from "bun:test";
import { REQUEST_BYTES_MAX, readRequest } from "../../../src/adapters/direct/http-request.ts";

const BODY = '{"event_id":"é"}';
const LENGTH = `Content-Length: ${Buffer.byteLength(BODY)}`;

function request(start: string, headers: readonly string[] = [LENGTH], body = BODY): Buffer {
  return Buffer.from([start, "Host: x", ...headers, "", body].join("\r\n"));
}

describe("the HTTP door reads", () => {
  test.each([
    ["the event", "POST /panic HTTP/1.1", 0],
    ["how long to wait", "POST /panic?wait_ms=60000 HTTP/1.1", 60_000],
    ["HTTP/1.0", "POST /panic HTTP/1.0", 0],
  ])("%s", (_fact, start, waitMs) => {
    expect(readRequest(request(start))).toEqual({ kind: "event", body: BODY, waitMs });
  });

  test("a request that comes byte by byte only when all of it is there", () => {
    const whole = request("POST /panic HTTP/1.1");
    for (let length = 0; length < whole.length; length++) {
      expect(readRequest(whole.subarray(0, length))).toEqual({ kind: "more" });
    }
    expect(readRequest(Buffer.concat([whole, Buffer.from("GET / HTTP/1.1\r\n\r\n")]))).toMatchObject({ body: BODY });
  });

  const LONG = `X: ${"x".repeat(9_000)}`;
  test.each([
    ["another language", 400, request("panic!")],
    ["another version", 400, request("POST /panic HTTP/2")],
    ["a wait that is no number", 400, request("POST /panic?wait_ms=1e3 HTTP/1.1")],
    ["a wait that is too long", 400, request("POST /panic?wait_ms=60001 HTTP/1.1")],
    ["another parameter", 400, request("POST /panic?wait=1 HTTP/1.1")],
    ["another path", 404, request("POST / HTTP/1.1")],
    ["another method", 405, request("GET /panic HTTP/1.1", [])],
    ["no length", 411, request("POST /panic HTTP/1.1", [])],
    ["two lengths", 411, request("POST /panic HTTP/1.1", [LENGTH, "content-length: 5"])],
    ["a length that is no number", 411, request("POST /panic HTTP/1.1", ["Content-Length: 0x10"])],
    ["chunks", 411, request("POST /panic HTTP/1.1", [LENGTH, "Transfer-Encoding: chunked"])],
    ["a body that is too long, before it comes", 413, request("POST /panic HTTP/1.1", ["Content-Length: 4097"], "")],
    ["a head that is too long", 431, request("POST /panic HTTP/1.1", [LENGTH, LONG])],
    ["a head that does not end", 431, Buffer.alloc(REQUEST_BYTES_MAX, "x")],
  ])("and refuses %s with %i", (_fact, status, said) => {
    expect(readRequest(said)).toMatchObject({ kind: "refused", status });
  });
});
