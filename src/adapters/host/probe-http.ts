import { known, unknown } from "../../core/reading.ts";
import type { Probe } from "../../ports/bot.ts";
import type { Clock } from "../../ports/clock.ts";
import { httpPool } from "../http/pool.ts";

/** Where the bot says that it is well. */
export interface HttpProbeOptions {
  readonly url: URL;
  readonly deadlineMs: number;
  readonly clock: Clock;
}

/** Passes where a GET is answered with 2xx, in full; a redirect is no such answer. */
export function httpProbe({ url, deadlineMs, clock }: HttpProbeOptions): Probe & { close(): Promise<void> } {
  const { origin, pathname, search } = url;
  const pool = httpPool({ origin, connections: 1, clock });
  const request = { method: "GET", path: `${pathname}${search}`, headers: {}, deadlineMs } as const;
  return {
    check: async () => {
      const answer = await pool.send(request);
      if (answer.kind === "no_answer") return unknown(`${origin}${pathname}: ${answer.why}`);
      if (answer.status >= 200 && answer.status < 300) return known(null);
      return unknown(`${origin}${pathname}: HTTP ${answer.status}`);
    },
    close: () => pool.dispose(),
  };
}
