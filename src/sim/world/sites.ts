/**
 * Fault sites in the roles: every call of a role to one of its ports is one before and one behind, by the name of role,
 * port and method. A role waits nowhere else, so a process that dies or stands still in its work does it at one of them.
 * What ships has no trace of them.
 */

import type { Life } from "./host.ts";

/** `eew.bus.report, before`. */
export type Site = string;

/** Told of each site that is passed; it may crash or pause the machine of that process. */
export type SiteHook = (site: Site, life: Life) => void;

/** The port with a site before and behind each of its methods, which return promises; those in `plain` stay as they are. */
export function withSites<P extends object>(
  port: P,
  name: string,
  life: Life,
  pass: SiteHook,
  plain: readonly (keyof P)[] = [],
): P {
  const through = (method: string, call: (...args: unknown[]) => Promise<unknown>) => {
    const [before, behind] = [`${name}.${method}, before`, `${name}.${method}, behind`];
    return (...args: unknown[]): Promise<unknown> => {
      pass(before, life);
      return goOn(life, () => call(...args)).then((answer) => {
        pass(behind, life);
        return goOn(life, async () => answer);
      });
    };
  };
  const sited = Object.entries(port).map(([method, call]) => [
    method,
    plain.includes(method as keyof P) ? call : through(method, call),
  ]);
  return Object.fromEntries(sited) as P;
}

/** Now, when the process goes on, or never. */
function goOn<T>(life: Life, does: () => Promise<T>): Promise<T> {
  // A promise of its own for each: one that all the dead waited for would keep them, and their worlds.
  if (life.ended()) return new Promise(() => {});
  return life.host.isPaused() ? life.sleep(0).then(does) : does();
}
