/**
 * The direct line with both its doors and both its callers, on whatever runtime runs this file. Prints one line per fact; exits
 * 1 at the first that does not hold. Run by http.test.ts.
 */

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { byHttp } from "../../src/adapters/direct/call-http.ts";
import { bySocket } from "../../src/adapters/direct/call-unix.ts";
import { openHttpDoor } from "../../src/adapters/direct/http-door.ts";
import { directLine } from "../../src/adapters/direct/line.ts";
import { openUnixDoor } from "../../src/adapters/direct/unix-door.ts";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { freePort } from "../../src/adapters/host/port.ts";
import type { PanicEvent } from "../../src/core/messages.ts";
import type { UnixMillis } from "../../src/core/time.ts";

function expectFact(fact: string, holds: boolean, seen: unknown): void {
  console.log(`${holds ? "ok  " : "FAIL"} ${fact}${holds ? "" : `: ${JSON.stringify(seen)}`}`);
  if (!holds) process.exit(1);
}

const SECRET = "smoke-secret";
const PATIENCE = { heardMs: 2_000, doneMs: 5_000 };
const FLAT = { outcome: "FLAT", open: [] } as const;
const event = (eventId: string): PanicEvent => ({ eventId, reason: "SMÖKE", issuedBy: "ops", ts: 1 as UnixMillis });

const directory = mkdtempSync(join(tmpdir(), "quantum-smoke-"));
const path = join(directory, "eew.sock");
const port = await freePort();
const line = directLine(SECRET, { clock: hostClock, log: { write: () => undefined } });
const unix = await openUnixDoor(path, line);
const http = await openHttpDoor({ host: "127.0.0.1", port }, line, hostClock);
if (!unix.known || !http.known) throw new Error(JSON.stringify([unix, http]));
expectFact("the socket is for its own user", (statSync(path).mode & 0o777) === 0o600, statSync(path).mode);

for (const [name, way] of [
  ["the socket", bySocket(path)],
  ["HTTP", byHttp(`http://127.0.0.1:${port}`, hostClock)],
] as const) {
  const called = way.call(event(name), SECRET, PATIENCE);
  const delivery = await line.next();
  line.ended(delivery.eventId, FLAT);
  const answer = await called;
  expectFact(`a panic by ${name} comes to its end`, answer.known && answer.value?.outcome === "FLAT", answer);
  const forged = await way.call(event("forged"), "another", PATIENCE);
  expectFact(`one that is not signed right is refused by ${name}`, !forged.known, forged);
}

const taken = await openHttpDoor({ host: "127.0.0.1", port }, line, hostClock);
expectFact("a port that is taken can't be had", !taken.known && taken.why.includes("EADDRINUSE"), taken);

const startedAt = performance.now();
await new Promise<void>((resolve) => {
  const half = connect({ port, host: "127.0.0.1" });
  half.once("connect", () => half.write("POST /panic HTTP/1.1\r\nContent-"));
  half.once("close", () => resolve());
  half.on("error", () => undefined);
  half.resume();
});
const hungUpMs = performance.now() - startedAt;
expectFact("who sends half a request is hung up on", hungUpMs < 4_000, hungUpMs);

http.value.close();
unix.value.close();
line.close();
rmSync(directory, { recursive: true, force: true });
process.exit(0);
