/**
 * One process of a kind at a time for each state directory (design section 4).
 *
 * Neither Bun nor Deno can flock, and a pid in a file proves little: pids are used again, and other users' and other
 * containers' are not seen. So the lock is a Unix socket that its holder listens on: whoever can connect to it has proof
 * that the holder lives, and the kernel closes it however the holder dies. Every process listens on a socket of its own,
 * under a name that is never used again, and only then looks for others. Of two that start together each is heard by
 * the one that looks last, so never do both go on; at worst none does, and each is started again. A socket that nobody
 * listens on any more is removed.
 */

import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { known, type Reading, unknown } from "../../core/reading.ts";

/** A holder that lives says its pid at once; one that is frozen holds the directory all the same. */
const PID_MS = 1_000;

/** A directory of this process's own until it is disposed of, or who has it: `holder` is a pid, null for one that does not say. */
export type StateLock =
  | ({ readonly kind: "held" } & Disposable)
  | { readonly kind: "taken"; readonly holder: number | null };

/**
 * Takes the lock of this name, which is of small letters. Unknown where it can be neither taken nor found taken, as on a disk that can't
 * be written.
 */
export async function lockState(directory: string, lock = "lock"): Promise<Reading<StateLock>> {
  const own = `${lock}-${randomBytes(4).toString("hex")}.sock`;
  // It ends whoever connects with the pid; that the other side went away first is no matter.
  const server = createServer((caller) => caller.on("error", () => undefined).end(`${process.pid}\n`));
  const release = (): void => {
    server.close();
    rmSync(join(directory, own), { force: true });
  };
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    await listen(server, join(directory, own));
    // Whoever may enter the directory may ask, whichever user this process runs as.
    chmodSync(join(directory, own), 0o666);
    for (const name of readdirSync(directory)) {
      if (name === own || !name.startsWith(`${lock}-`) || !/-[0-9a-f]{8}\.sock$/.test(name)) continue;
      const other = await call(join(directory, name));
      if (other.kind === "alive") {
        release();
        return known({ kind: "taken", holder: other.pid });
      }
      if (other.kind === "gone") rmSync(join(directory, name), { force: true });
    }
  } catch (error) {
    server.close();
    return unknown(`${directory} can't be locked: ${error instanceof Error ? error.message : String(error)}`);
  }
  server.unref();
  return known({ kind: "held", [Symbol.dispose]: release });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      // A caller that can't be taken, as where files run out, has its proof even so: it was let in.
      server.on("error", () => undefined);
      resolve();
    });
  });
}

type Other = { readonly kind: "alive"; readonly pid: number | null } | { readonly kind: "gone" };

/** @throws {Error} where it can't be told whether anybody listens. */
function call(path: string): Promise<Other> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    let connected = false;
    let text = "";
    const settle = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ kind: "alive", pid: /^\d+\n/.test(text) ? Number.parseInt(text, 10) : null });
    };
    const timer = setTimeout(settle, PID_MS);
    socket.once("connect", () => {
      connected = true;
    });
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
      if (text.includes("\n")) settle();
    });
    socket.once("end", settle);
    socket.once("error", (error) => {
      if (connected) return settle();
      clearTimeout(timer);
      const isGone = "code" in error && (error.code === "ECONNREFUSED" || error.code === "ENOENT");
      if (isGone) resolve({ kind: "gone" });
      else reject(error);
    });
  });
}
