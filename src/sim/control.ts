/**
 * The paths under `/sim/`, for people and drills: set the scene, break the venue, read the truth. Not Binance's, not
 * signed and never faulted: the server listens on loopback only and holds nothing real.
 */

import { SCENE_CONTROLS } from "./control-scene.ts";
import { venueState } from "./control-state.ts";
import { parseFaultScript, showRule } from "./fault-rules.ts";
import type { FaultBook } from "./faults.ts";
import type { Strike } from "./faulty-gateway.ts";
import type { GatewayRequest, Reply } from "./gateway.ts";
import { Refused } from "./refusals.ts";
import type { StreamBook, StreamFamily } from "./stream-book.ts";
import type { Venue } from "./venue.ts";

/** What the server knows and the venue does not. */
export interface ServerFacts {
  readonly handshakes: number;
  readonly requests: number;
  /** Requests per `METHOD path`. */
  readonly requestCounts: Readonly<Record<string, number>>;
  /** Streams that are open. */
  readonly streams: Readonly<Record<StreamFamily, number>>;
  /** What was told falsely or withheld: the last 1000. */
  readonly struck: readonly Strike[];
}

/** What the paths work on. */
export interface Stage {
  readonly venue: Venue;
  readonly faults: FaultBook;
  readonly streams: StreamBook;
  readonly facts: () => ServerFacts;
}

/**
 * Answers the paths under `/sim/`; `null` for any other request.
 *
 * A request that makes no sense is answered 400 with `{"error": …}` and changes nothing, an unknown path 404.
 */
export function answerControl(stage: Stage, request: GatewayRequest): Reply | null {
  if (!request.path.startsWith("/sim/")) return null;
  const name = `${request.method} ${request.path}`;
  const handle = CONTROLS[name];
  if (handle === undefined) {
    return reply(404, { error: `No path is called ${name}: expected one of ${Object.keys(CONTROLS).join(", ")}` });
  }
  try {
    return reply(200, handle(stage, request.body));
  } catch (error) {
    const reason =
      error instanceof Refused ? error.refusal.msg : error instanceof Error ? error.message : String(error);
    return reply(400, { error: reason });
  }
}

type Control = (stage: Stage, body: string) => unknown;

const CONTROLS: Readonly<Record<string, Control>> = {
  ...Object.fromEntries(
    Object.entries(SCENE_CONTROLS).map(([name, set]): [string, Control] => [
      name,
      ({ venue }, body) => set(venue, body),
    ]),
  ),
  "GET /sim/state": ({ venue, facts }) => ({ time: venue.now(), ...facts(), ...venueState(venue) }),
  "GET /sim/faults": ({ faults }) => shownFaults(faults),
  "POST /sim/faults": ({ faults }, body) => {
    faults.play(parseFaultScript(JSON.parse(body)));
    return shownFaults(faults);
  },
  "POST /sim/streams": ({ streams }, body) => {
    streams.change(body);
    return streams.shown();
  },
  "DELETE /sim/faults": ({ faults }) => {
    faults.clear();
    return shownFaults(faults);
  },
};

function shownFaults(faults: FaultBook): unknown {
  const { rules, seed } = faults.report();
  return { rules: rules.map(({ rule, matched, struck }) => ({ ...showRule(rule), matched, struck })), seed };
}

function reply(status: number, value: unknown): Reply {
  return { status, headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) };
}
