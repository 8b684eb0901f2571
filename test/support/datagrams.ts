/** A Unix datagram socket that receives, in this process: what systemd and journald have. */

import { dlopen } from "bun:ffi";
import { rmSync } from "node:fs";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;
const BYTES_MAX = 262_144;

/** The library stays loaded: the receivers share it. */
const libc = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
});

/** What was sent to one address. */
export class Receiver {
  readonly #path: string;
  readonly #fd: number;
  readonly #received: string[] = [];

  /** Listens at a path, or at `@name` in the abstract namespace. */
  constructor(path: string) {
    this.#path = path;
    const name = Buffer.from(path);
    if (path.startsWith("@")) name[0] = 0;
    const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), name, Buffer.alloc(path.startsWith("@") ? 0 : 1)]);
    this.#fd = libc.symbols.socket(AF_UNIX, SOCK_DGRAM, 0);
    if (libc.symbols.bind(this.#fd, address, address.length) === -1) throw new Error(`${path} can't be bound`);
  }

  /** Every datagram so far, the oldest first. */
  received(): readonly string[] {
    const buffer = Buffer.alloc(BYTES_MAX);
    for (;;) {
      const length = Number(libc.symbols.recv(this.#fd, buffer, buffer.length, MSG_DONTWAIT));
      if (length === -1) return this.#received;
      this.#received.push(buffer.subarray(0, length).toString());
    }
  }

  close(): void {
    libc.symbols.close(this.#fd);
    if (!this.#path.startsWith("@")) rmSync(this.#path, { force: true });
  }
}
