/** A network namespace for one role, and the cable to it. Needs root, and `ip` of iproute2. */

import { execFileSync } from "node:child_process";

/** A namespace of its own, reached over one link. */
export interface NetNamespace {
  /** Puts what is started by it into the namespace. */
  readonly by: readonly string[];
  /** This machine, as the namespace sees it. */
  readonly hostAddress: string;
  /** Down, nothing gets through either way, and nobody is told: a cable that was pulled. */
  setLink(state: "up" | "down"): void;
  /** Removes the namespace and the link. */
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

/** Makes a namespace and a link to it. */
export function openNamespace(): NetNamespace {
  opened += 1;
  const name = `quantum-${process.pid}-${opened}`;
  // At most 15 characters, and unique on this machine: pids end at 4194304.
  const [here, there] = [`qh${process.pid}-${opened}`, `qn${process.pid}-${opened}`];
  // Private to the two ends; of TEST-NET-3 (RFC 5737), which nobody routes. A /30 for each.
  const base = 4 * ((process.pid + opened) % 63);
  const hostAddress = `203.0.113.${base + 1}`;
  const close = (): void => {
    // With the namespace goes its end of the link, and with that the other.
    ip("netns", "delete", name);
  };
  ip("netns", "add", name);
  try {
    ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name);
    ip("address", "add", `${hostAddress}/30`, "dev", here);
    ip("link", "set", here, "up");
    ip("-netns", name, "address", "add", `203.0.113.${base + 2}/30`, "dev", there);
    ip("-netns", name, "link", "set", there, "up");
    ip("-netns", name, "link", "set", "lo", "up");
  } catch (error) {
    close();
    throw error;
  }
  return { by: ["ip", "netns", "exec", name], hostAddress, setLink: (state) => ip("link", "set", here, state), close };
}

function ip(...words: readonly string[]): void {
  execFileSync("ip", [...words], { stdio: ["ignore", "ignore", "pipe"] });
}
