/** The worker's HTTP door (contract 3.5): where it is opened, and how it is called. */

import { type Env, variable } from "./env.ts";
import { Refusal } from "./refusal.ts";

/** Where a door is. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const UNSIGNED =
  "but QUANTUM_TRIGGER_SECRET is not: expected the secret, or whoever reaches the port could order an exit";

/**
 * Where the worker opens its HTTP door; null: nowhere.
 *
 * @throws {Refusal} unless it is HOST:PORT, and there is a trigger secret.
 */
export function loadDirectHttp(env: Env, flag: string | undefined, triggerSecret: string | null): HostPort | null {
  const text = flag ?? variable(env, "QUANTUM_DIRECT_HTTP");
  if (text === null) return null;
  const [, host, digits] = /^(\[[\da-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new Refusal(
      `QUANTUM_DIRECT_HTTP (--direct-http) is ${JSON.stringify(text)}: expected HOST:PORT, for example 127.0.0.1:8702`,
    );
  }
  if (triggerSecret === null) throw new Refusal(`QUANTUM_DIRECT_HTTP (--direct-http) is set, ${UNSIGNED}`);
  return { host: host.replace(/^\[|\]$/g, ""), port };
}

/**
 * A worker's HTTP door as a caller names it; undefined stays undefined.
 *
 * @throws {Refusal} unless `flag` is scheme, host and port, and there is a trigger secret.
 */
export function loadDirectUrl(
  name: string,
  flag: string | undefined,
  triggerSecret: string | null,
): string | undefined {
  if (flag === undefined) return undefined;
  const url = URL.canParse(flag) ? new URL(flag) : null;
  const web = url?.protocol === "http:" || url?.protocol === "https:";
  if (url === null || !web || url.href !== `${url.origin}/`) {
    throw new Refusal(`${name} is not scheme, host and port: expected for example http://127.0.0.1:8702`);
  }
  if (triggerSecret === null) throw new Refusal(`${name} is given, ${UNSIGNED}`);
  return url.origin;
}

/** The same door as a caller on the worker's own machine reaches it. */
export function urlOfDoor({ host, port }: HostPort): string {
  const everywhere = host === "0.0.0.0" || host === "::";
  const named = everywhere ? "127.0.0.1" : host;
  return `http://${named.includes(":") ? `[${named}]` : named}:${port}`;
}
