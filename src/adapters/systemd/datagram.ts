/** Sends datagrams to a Unix socket: how a process speaks to systemd and to journald. */

import { known, type Reading, unknown } from "../../core/reading.ts";
import { libc } from "./libc.ts";

/** Sends one datagram. */
export interface Datagrams {
  /**
   * Known: the receiver has it. Never throws and never blocks: a queue that is full is an answer like any other. After an
   * unknown the next one may well be taken, a receiver that was away included.
   */
  send(datagram: string): Reading<null>;
}

/** The constants of Linux, the same on x64 and arm64. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2_000_000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** Bytes of a path in an address, the NUL at its end included. */
const PATH_BYTES = 108;

/** In words what the reasons that occur mean here. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "nothing listens there",
  ECONNREFUSED: "nothing listens there",
  EAGAIN: "its queue is full",
  EMSGSIZE: "it is too long",
  EACCES: "this user may not send there",
  EPERM: "this user may not send there",
  EAFNOSUPPORT: "Unix sockets are forbidden to this process",
};

/**
 * To the socket at `path`; `@name` is one in the abstract namespace (sd_notify(3)). Nothing is opened before the first
 * datagram, and the receiver is looked up anew for each, so one that has been started again gets the next.
 */
export function datagramsTo(path: string): Datagrams {
  let address: Uint8Array | null = null;
  let fd = -1;
  return {
    send: (datagram) => {
      const calls = libc();
      if (!calls.known) return unknown(`${path}: ${calls.why}`);
      const { errno, sendto, socket } = calls.value;
      const failed = (): Reading<null> => {
        const code = errno();
        return unknown(`${path}: ${REASONS[code] ?? "not taken"} (${code})`);
      };
      address ??= addressOf(path);
      if (address === null) return unknown(`${path}: expected an absolute path or @name, 107 bytes at most`);
      if (fd === -1) fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      if (fd === -1) return failed();
      const bytes = Buffer.from(datagram);
      const sent = sendto(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address.length);
      return sent === -1 ? failed() : known(null);
    },
  };
}

/** `sockaddr_un` (unix(7)); null for what is no path. */
function addressOf(path: string): Uint8Array | null {
  const name = Buffer.from(path);
  if (!/^[/@]./.test(path) || name.length >= PATH_BYTES || name.includes(0)) return null;
  const isAbstract = path.startsWith("@");
  // An abstract name begins with NUL and ends where the address does, a path ends with NUL.
  if (isAbstract) name[0] = 0;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, name, Buffer.alloc(isAbstract ? 0 : 1)]);
}
