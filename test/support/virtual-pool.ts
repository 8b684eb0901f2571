/** Connections to a simulated venue on virtual time: what the real ones do with a request, without a socket. */

import type { HttpOutcome, HttpPool, HttpPoolOptions, HttpRequest } from "../../src/adapters/http/pool.ts";
import { after } from "../../src/core/time.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { FaultyGateway } from "../../src/sim/faulty-gateway.ts";
import type { GatewayRequest, Reply } from "../../src/sim/gateway.ts";

/** What a test wants to see of the wire. */
export interface Wiretap {
  /** A request is being sent. */
  sent?(request: GatewayRequest): void;
  /** The venue has executed one; what it holds may have changed. */
  executed?(): void;
}

/** Opens pools on the gateway; every request arrives the moment it is sent, and ends as the gateway's plan says. */
export function virtualPools(
  gateway: FaultyGateway,
  clock: Clock,
  wiretap: Wiretap = {},
): (options: HttpPoolOptions) => HttpPool {
  const send = (request: HttpRequest): Promise<HttpOutcome> => {
    if (request.deadlineMs <= 0) {
      return Promise.resolve({ kind: "no_answer", why: "no time was left to send it", sent: "no" });
    }
    const arrived = arrival(request);
    wiretap.sent?.(arrived);
    const plan = gateway.plan(arrived);
    const { executeAfterMs, ending } = plan;
    if (executeAfterMs !== null) {
      clock.at(after(clock.now(), executeAfterMs), () => {
        plan.execute();
        wiretap.executed?.();
      });
    }
    return new Promise((resolve) => {
      const settle = (outcome: HttpOutcome): void => {
        giveUp();
        end();
        resolve(outcome);
      };
      const lost = (why: string): void => settle({ kind: "no_answer", why, sent: "maybe" });
      const giveUp = clock.at(after(clock.now(), request.deadlineMs), () =>
        lost(`no answer within ${Math.round(request.deadlineMs)} ms`),
      );
      let end = (): void => undefined;
      const inMs = (ms: number, then: () => void): void => {
        end = clock.at(after(clock.now(), ms), then);
      };
      if (ending.kind === "hang") return;
      inMs(ending.afterMs, () => {
        if (ending.kind === "cut" || ending.kind === "reset") return lost("other side closed");
        const reply = ending.reply();
        if (ending.kind === "reply") return settle(answer(reply));
        inMs(ending.msPerByte * Buffer.byteLength(reply.body), () => settle(answer(reply)));
      });
    });
  };
  return () => ({ send, dispose: () => Promise.resolve() });
}

function arrival({ method, path, headers }: HttpRequest): GatewayRequest {
  const [name = "", query = ""] = path.split("?", 2);
  return { method, path: name, query, body: "", apiKey: headers["X-MBX-APIKEY"] ?? null, ip: "192.0.2.1" };
}

function answer({ status, headers, body }: Reply): HttpOutcome {
  const lowerCase = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return { kind: "answer", status, headers: lowerCase, body };
}
