/**
 * The two calls of the C library without which no datagram can be sent to systemd: neither Bun nor Node's API has Unix
 * datagram sockets, and Deno's `listenDatagram` needs a flag and a file of its own, and can't say at once whether one was taken.
 */

import { getSystemErrorName } from "node:util";
import { known, type Reading, unknown } from "../../core/reading.ts";

/** A call that failed gives -1, and the reason is in `errno`. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  sendto(
    fd: number,
    data: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: number,
  ): number;
  /** Why the call before has failed, e.g. `ENOENT`. */
  errno(): string;
}

/** glibc's name on every architecture that we ship for. */
const NAME = "libc.so.6";

/**
 * Loads the C library, once. Never throws; unknown where the runtime can't, or must not.
 *
 * It costs less than a millisecond in the executable, and nobody pays for it who has nothing to tell systemd.
 */
export function libc(): Reading<Libc> {
  loaded ??= load();
  return loaded;
}

let loaded: Reading<Libc> | undefined;

function load(): Reading<Libc> {
  try {
    return known("Deno" in globalThis ? fromDeno() : fromBun());
  } catch (error) {
    return unknown(`the C library can't be called: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Not imported: Deno has no such module. */
function fromBun(): Libc {
  const { dlopen, read } = process.getBuiltinModule("bun:ffi") as unknown as typeof import("bun:ffi");
  // The whole library is kept in the closures below: nobody may unload what they call.
  const library = dlopen(NAME, {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    sendto: { args: ["i32", "ptr", "usize", "i32", "ptr", "u32"], returns: "i64" },
    __errno_location: { args: [], returns: "ptr" },
  });
  return {
    socket: (...args) => library.symbols.socket(...args),
    sendto: (...args) => Number(library.symbols.sendto(...args)),
    errno: () => {
      const where = library.symbols.__errno_location();
      return where === null ? "no reason given" : getSystemErrorName(-read.i32(where));
    },
  };
}

/** As much of Deno's own API as is needed. */
interface DenoFfi {
  dlopen(
    name: string,
    symbols: Readonly<Record<string, { readonly parameters: readonly string[]; readonly result: string }>>,
  ): { readonly symbols: Readonly<Record<string, (...args: readonly unknown[]) => unknown>> };
  readonly UnsafePointerView: new (pointer: unknown) => { getInt32(): number };
}

function fromDeno(): Libc {
  const { Deno } = globalThis as unknown as { readonly Deno: DenoFfi };
  const { symbols } = Deno.dlopen(NAME, {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
    __errno_location: { parameters: [], result: "pointer" },
  });
  return {
    socket: (...args) => Number(symbols["socket"]?.(...args)),
    sendto: (...args) => Number(symbols["sendto"]?.(...args)),
    errno: () => getSystemErrorName(-new Deno.UnsafePointerView(symbols["__errno_location"]?.()).getInt32()),
  };
}
