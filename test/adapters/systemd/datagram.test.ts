/** Datagrams on real sockets; test/runtime sends them from every runtime. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { datagramsTo } from "../../../src/adapters/systemd/datagram.ts";
import { known, unknown } from "../../../src/core/reading.ts";
import { Receiver } from "../../support/datagrams.ts";

let directory: string;
let path: string;
const receivers: Receiver[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-datagram-"));
  path = join(directory, "notify");
});
afterEach(() => {
  for (const receiver of receivers.splice(0)) receiver.close();
  rmSync(directory, { recursive: true, force: true });
});

function listen(at: string): Receiver {
  const receiver = new Receiver(at);
  receivers.push(receiver);
  return receiver;
}

describe("a datagram arrives whole and in order", () => {
  test("at a path", () => {
    const receiver = listen(path);
    const datagrams = datagramsTo(path);
    expect(datagrams.send("READY=1\nSTATUS=größer")).toEqual(known(null));
    expect(datagrams.send("WATCHDOG=1")).toEqual(known(null));
    expect(receiver.received()).toEqual(["READY=1\nSTATUS=größer", "WATCHDOG=1"]);
  });

  test("in the abstract namespace", () => {
    const name = `@quantum-test-${process.pid}`;
    const receiver = listen(name);
    expect(datagramsTo(name).send("READY=1")).toEqual(known(null));
    expect(receiver.received()).toEqual(["READY=1"]);
  });

  test("at a path of the greatest length", () => {
    const long = join(directory, "n".repeat(107 - directory.length - 1));
    const receiver = listen(long);
    expect(datagramsTo(long).send("x")).toEqual(known(null));
    expect(receiver.received()).toEqual(["x"]);
  });

  test("of 64 KiB", () => {
    const receiver = listen(path);
    expect(datagramsTo(path).send("x".repeat(65_536))).toEqual(known(null));
    expect(receiver.received()[0]).toHaveLength(65_536);
  });
});

describe("one that is not taken is an answer, at once", () => {
  test("where nothing was ever there", () => {
    expect(datagramsTo(path).send("x")).toEqual(unknown(`${path}: nothing listens there (ENOENT)`));
  });

  test("where the receiver is gone, and the next one has it again", () => {
    const datagrams = datagramsTo(path);
    const first = new Receiver(path);
    expect(datagrams.send("1")).toEqual(known(null));
    first.close();
    expect(datagrams.send("2").known).toBe(false);
    const second = listen(path);
    expect(datagrams.send("3")).toEqual(known(null));
    expect(second.received()).toEqual(["3"]);
  });

  test("where its queue is full, and nothing waits for it", () => {
    const receiver = listen(path);
    const datagrams = datagramsTo(path);
    let taken = 0;
    const startedAt = performance.now();
    while (datagrams.send("x").known && taken < 100_000) taken += 1;
    expect(datagrams.send("x")).toEqual(unknown(`${path}: its queue is full (EAGAIN)`));
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(receiver.received()).toHaveLength(taken);
    expect(datagrams.send("again")).toEqual(known(null));
  });

  test("where it is longer than a socket takes", () => {
    listen(path);
    expect(datagramsTo(path).send("x".repeat(10_000_000))).toEqual(unknown(`${path}: it is too long (EMSGSIZE)`));
  });

  test.each([
    ["relative", "notify"],
    ["empty", ""],
    ["of one character", "/"],
    ["too long", `/${"n".repeat(107)}`],
    ["of another kind", "vsock:2:1234"],
    ["with a NUL in it", "/a\0b"],
  ])("where the path is %s", (_what, wrong) => {
    expect(datagramsTo(wrong).send("x")).toEqual(
      unknown(`${wrong}: expected an absolute path or @name, 107 bytes at most`),
    );
  });
});
