import { hostClock } from "../adapters/host/clock.ts";
import { after } from "../core/time.ts";
import type { Io } from "./io.ts";

/** After this long without an answer a person wonders whether it hangs. */
const SAY_EVERY_MS = 2_000;

/** Says on stderr what is still waited for. */
export interface Waiting {
  /** Waits for `promise`, called `what` meanwhile. */
  for<T>(what: string, promise: Promise<T>): Promise<T>;
  /** Says no more. */
  end(): void;
}

/** Starts to say every two seconds what is still waited for. */
export function startWaiting(io: Pick<Io, "err">): Waiting {
  const open = new Set<string>();
  let cancel = (): void => {};
  const next = (): void => {
    cancel = hostClock.at(after(hostClock.now(), SAY_EVERY_MS), () => {
      if (open.size > 0) io.err(`Still waiting for: ${[...open].join(", ")}`);
      next();
    });
  };
  next();
  return {
    for: async (what, promise) => {
      open.add(what);
      try {
        return await promise;
      } finally {
        open.delete(what);
      }
    },
    end: () => cancel(),
  };
}
