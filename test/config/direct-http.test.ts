import { expect, test } from "bun:test";
import { loadDirectHttp, loadDirectUrl, urlOfDoor } from "../../src/config/direct-http.ts";
import { refused } from "./refused.ts";

const SECRET = "s3cret";

test("the HTTP door is shut unless it is set, and the flag wins", () => {
  expect(loadDirectHttp({}, undefined, null)).toBeNull();
  expect(loadDirectHttp({ QUANTUM_DIRECT_HTTP: "" }, undefined, null)).toBeNull();
  expect(loadDirectHttp({ QUANTUM_DIRECT_HTTP: "a:1" }, "b:2", SECRET)).toEqual({ host: "b", port: 2 });
});

test.each([
  ["127.0.0.1:8702", "127.0.0.1", "http://127.0.0.1:8702"],
  ["worker.internal:8702", "worker.internal", "http://worker.internal:8702"],
  ["0.0.0.0:8702", "0.0.0.0", "http://127.0.0.1:8702"],
  ["[::]:8702", "::", "http://127.0.0.1:8702"],
  ["[::1]:8702", "::1", "http://[::1]:8702"],
])("%s is listened on at %s and called at %s", (text, host, url) => {
  const door = loadDirectHttp({ QUANTUM_DIRECT_HTTP: text }, undefined, SECRET);
  expect(door).toEqual({ host, port: 8702 });
  expect(door && urlOfDoor(door)).toBe(url);
});

test.each([
  "8702",
  ":8702",
  "127.0.0.1",
  "127.0.0.1:0",
  "127.0.0.1:65536",
  "http://127.0.0.1:8702",
  "a b:1",
  "::1:8702",
])("%s is no place for a door", (text) => {
  const expected = `QUANTUM_DIRECT_HTTP (--direct-http) is "${text}": expected HOST:PORT, for example 127.0.0.1:8702`;
  expect(refused(() => loadDirectHttp({}, text, SECRET))).toBe(expected);
});

test("without a trigger secret there is no door, and no call to one", () => {
  const why = "expected the secret, or whoever reaches the port could order an exit";
  expect(refused(() => loadDirectHttp({}, "127.0.0.1:8702", null))).toContain(why);
  expect(refused(() => loadDirectUrl("--url", "http://127.0.0.1:8702", null))).toContain(why);
});

test("a door is called by scheme, host and port, and nothing more", () => {
  expect(loadDirectUrl("--url", undefined, null)).toBeUndefined();
  expect(loadDirectUrl("--url", "http://127.0.0.1:8702/", SECRET)).toBe("http://127.0.0.1:8702");
  for (const url of ["127.0.0.1:8702", "ftp://x", "http://x/panic", "http://user:hunter2@x", "http://x?a"]) {
    const line = refused(() => loadDirectUrl("--url", url, SECRET));
    expect(line).toBe("--url is not scheme, host and port: expected for example http://127.0.0.1:8702");
  }
});
