/** What a brain with a policy works with in the world: a memory on its disk and in Redis, and streams that tell sooner. */

import type { ExitFile } from "../../adapters/exits/file.ts";
import { readLegRecord, readPortfolioRecord, writeRecord } from "../../adapters/exits/record.ts";
import type { ExitPolicy } from "../../core/exit-policy.ts";
import { legName } from "../../core/position.ts";
import { after, type Instant } from "../../core/time.ts";
import type { StreamEvent, VenueStream } from "../../ports/venue-stream.ts";
import type { VirtualClock } from "../clock.ts";
import type { Venue } from "../venue.ts";
import type { Draw } from "./draw.ts";
import type { Life } from "./host.ts";
import { FAR, type Link } from "./link.ts";
import type { SiteHook } from "./sites.ts";

/** How the brain is started, and what it can rely on. */
export interface ExitsSetup {
  readonly policy: ExitPolicy;
  readonly shadow: boolean;
  readonly autoLive: boolean;
  /** The venue streams marks and changes of the account to it. */
  readonly streams: boolean;
  /** It can call the workers by the direct line. */
  readonly direct: boolean;
  /** The venue takes a protective stop away with its leg. */
  readonly stopsExpire: boolean;
}

/** What is left on the brain's disk when it dies: the texts of the legs' records by leg, and of the portfolio's. */
export interface ExitDisk {
  readonly legs: Map<string, string>;
  /** What has ever been written there of the legs that are open: a disk may get lost. */
  readonly written: Map<string, string>;
  portfolio: string | null;
}

/** The memory on a disk that loses nothing of what was written. */
export function exitFileOn(disk: ExitDisk, life: Life, pass: SiteHook): ExitFile {
  const written = (write: () => void): null => {
    pass("brain.disk, before", life);
    if (!life.ended()) write();
    pass("brain.disk, behind", life);
    return null;
  };
  return {
    found: {
      legs: [...disk.legs.values()].flatMap((text) => readLegRecord(text) ?? []),
      portfolio: disk.portfolio === null ? null : readPortfolioRecord(disk.portfolio),
    },
    trouble: null,
    remember: (records, gone) =>
      written(() => {
        for (const leg of gone) {
          disk.legs.delete(leg);
          disk.written.delete(leg);
        }
        for (const record of records) {
          const text = writeRecord(record);
          disk.legs.set(legName(record), text);
          disk.written.set(legName(record), text);
        }
      }),
    rememberPortfolio: (record) =>
      written(() => {
        disk.portfolio = writeRecord(record);
      }),
  };
}

/** Streams that say nothing: the brain has to make do with its looks. */
export const SILENT_STREAM: VenueStream = { run: () => new Promise(() => {}) };

/** The venue's streams to one process, over its link: in order, and lost where the link loses what comes back. */
export function streamOver(venue: Venue, time: VirtualClock, link: Link, draw: Draw, life: Life): VenueStream {
  return {
    run: ({ emit, wants }) => {
      let arrivesAt = 0 as Instant;
      const send = (event: StreamEvent): void => {
        const [isLost, takesMs] = [draw() < link.weather.loseAnswer, FAR.latencyMs + draw() * FAR.jitterMs];
        if (isLost) return;
        arrivesAt = Math.max(arrivesAt, time.now() + takesMs + draw() * link.weather.slowMs) as Instant;
        time.at(after(arrivesAt, 0), () => {
          // What is buffered while the process stands still is not told (ports/venue-stream.ts).
          if (!life.host.isPaused()) life.deliver(() => emit(event));
        });
      };
      const unwatch = venue.watch((change) => {
        if (change.kind !== "mark") send({ kind: "account_changed" });
        else if (wants(change.symbol)) {
          send({ kind: "marks", marks: [{ symbol: change.symbol, price: venue.mark(change.symbol) }] });
        }
      });
      life.onEnd(unwatch);
      return new Promise(() => {});
    },
  };
}
