/** A network namespace for one role, and the cable to it. Needs root, and `ip` of iproute2. */

import { execFileSync } from "node:child_process";

/** A namespace of its own, and a cable between it and this machine. */
export interface NetNamespace {
  /** Puts what is started by it into the namespace. */
  readonly by: readonly string[];
  /** This machine, as both sides see it, also while the cable is out. */
  readonly here: string;
  /** The namespace, as both sides see it, also while the cable is out. */
  readonly there: string;
  /** Out, nothing gets through either way, and no connection is told of it. */
  cable(state: "in" | "out"): void;
  /** Removes the namespace and the cable. */
  close(): void;
}

let opened = 0;

/** Why there can be none on this machine; null if there can. */
export function namespaceNeeds(): string | null {
  if (process.getuid?.() !== 0) return "a network namespace can be made by root only";
  if (Bun.which("ip") === null) return "there is no ip: apt-get install iproute2";
  const name = `quantum-${process.pid}-probe`;
  try {
    ip("netns", "add", name);
    ip("netns", "delete", name);
    return null;
  } catch (error) {
    return `this kernel makes no network namespace: ${String(error)}`;
  }
}

/** Makes a namespace, plugged in. */
export function openNamespace(): NetNamespace {
  opened += 1;
  const mark = `${process.pid}-${opened}`;
  const name = `quantum-${mark}`;
  // A bridge for this machine's address, as that would go with the end of the cable. At most 15 characters each.
  const [bridge, near, far] = [`qb${mark}`, `qn${mark}`, `qf${mark}`];
  // TEST-NET-3 (RFC 5737), which nobody routes; four addresses for each namespace.
  const base = 4 * ((process.pid + opened) % 63);
  const [here, there] = [`203.0.113.${base + 1}`, `203.0.113.${base + 2}`];
  const close = (): void => {
    // With the namespace goes the far end of the cable, and with that the near one.
    ip("netns", "delete", name);
    ip("link", "delete", bridge);
  };
  ip("netns", "add", name);
  ip("link", "add", bridge, "type", "bridge");
  try {
    ip("address", "add", `${here}/30`, "dev", bridge);
    ip("link", "set", bridge, "up");
    ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name);
    ip("link", "set", near, "master", bridge, "up");
    ip("-netns", name, "address", "add", `${there}/30`, "dev", far);
    ip("-netns", name, "link", "set", far, "up");
    ip("-netns", name, "link", "set", "lo", "up");
  } catch (error) {
    close();
    throw error;
  }
  const cable = (state: "in" | "out"): void => ip("link", "set", near, state === "in" ? "up" : "down");
  return { by: ["ip", "netns", "exec", name], here, there, cable, close };
}

function ip(...words: readonly string[]): void {
  execFileSync("ip", [...words], { stdio: ["ignore", "ignore", "pipe"] });
}
