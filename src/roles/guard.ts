import { deadline, start, step } from "../core/guard.ts";
import type { GuardAction, GuardEvent, GuardLimits, GuardState, StopSignal } from "../core/guard-state.ts";
import { guardLine } from "../core/status-line.ts";
import type { Bot, Probe, Running } from "../ports/bot.ts";
import type { BeatingRole, BrainBus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { DirectCall } from "../ports/direct-line.ts";
import type { Exchange } from "../ports/exchange.ts";
import type { Log } from "../ports/log.ts";
import type { Service } from "../ports/service.ts";
import { raisePanic } from "./own-panic.ts";
import { watchPeers } from "./peers.ts";
import type { Identity } from "./pulse.ts";
import { run } from "./role.ts";
import { say } from "./say.ts";

/** What the guard runs on. */
export interface GuardWorld {
  readonly clock: Clock;
  readonly bus: BrainBus;
  readonly exchange: Pick<Exchange, "positions">;
  readonly bot: Bot;
  /** All of them have to pass. */
  readonly probes: readonly Probe[];
  /** The way to the worker without the bus; null: there is none. */
  readonly direct: DirectCall | null;
  readonly log: Log;
  readonly service: Service;
  readonly limits: GuardLimits;
  readonly identity: Identity;
}

/** Those who would act if the bot died. */
const PEERS: readonly BeatingRole[] = ["watchdog", "eew"];

/**
 * Guards a bot through one life of it, and gives the exit code: 0 where a person has stopped it, else 1. When `signal` aborts, the
 * bot is sent the signal that it names as its reason. Rejects only on a defect.
 *
 * Its useful cycle is one look at the halt, answered or not: what it must never miss is a halt, since it stops the bot on one. A
 * bot that it can't prove to be well is given up by the watchdog; a guard that hangs is ended, with its bot, by systemd.
 */
export async function runGuard(world: GuardWorld, signal: AbortSignal): Promise<0 | 1> {
  const { bus, clock, identity, limits, log, service } = world;
  const over = new AbortController();
  let code: 0 | 1 = 1;
  let running: Running | null = null;
  let seq = 0;

  const perform = (action: GuardAction, emit: (event: GuardEvent) => void): void => {
    switch (action.kind) {
      case "tell":
        say(log, action);
        return;
      case "read_halt":
        void bus.halt().then((halt) => {
          service.worked();
          // Where trading is halted there is nothing else to be ready for.
          if (halt.known && halt.value !== null) service.ready();
          emit({ kind: "halt_read", halt });
        });
        return;
      case "start_bot":
        void world.bot.start().then((started) => {
          if (!started.known) return emit({ kind: "not_started", why: started.why });
          running = started.value;
          emit({ kind: "started" });
          void running.ended.then((end) => emit({ kind: "exited", end }));
        });
        return;
      case "end_bot":
        void running?.end(action.signal, action.killAfterMs).then((left) => emit({ kind: "gone", left }));
        return;
      case "look":
        void world.exchange.positions().then((positions) => emit({ kind: "looked", positions }));
        return;
      case "probe":
        void Promise.all(world.probes.map((probe) => probe.check())).then((answers) => {
          emit({ kind: "probed", failures: answers.flatMap((answer) => (answer.known ? [] : [answer.why])) });
        });
        return;
      case "beat": {
        const { status, activePositions, mode, latencyMs } = action;
        const details = { ...identity, seq: ++seq, lastDecisionTs: null, latencyMs, mode, state: "guarding" };
        const sentAt = clock.now();
        void bus.beat("brain", { status, activePositions, ts: clock.wall(), details }).then((answer) => {
          if (answer.known) service.ready();
          emit(answer.known ? { kind: "beat_confirmed", sentAt } : { ...answer, kind: "beat_lost" });
        });
        return;
      }
      case "name_incident":
      case "raise":
      case "call_direct":
        raisePanic({ bus, direct: world.direct, instanceId: identity.instanceId }, action, emit);
        return;
      case "end":
        code = action.code;
        over.abort();
        role.stop();
        return;
    }
  };
  const role = run<GuardState, GuardEvent, GuardAction>(clock, {
    start: start(clock.now()),
    step: (state, event, now) => step(limits, state, event, now),
    deadline: (state) => deadline(limits, state),
    perform,
    show: (state) => service.status(guardLine(state)),
  });
  const ask = (): void => role.emit({ kind: "asked", signal: stopSignalOf(signal) });
  if (signal.aborted) ask();
  signal.addEventListener("abort", ask, { once: true });
  await Promise.all([role.ended, watchPeers(world, limits.peers, PEERS, over.signal)]);
  signal.removeEventListener("abort", ask);
  return code;
}

/** What the guard was asked to stop with, as `main.ts` says it. */
function stopSignalOf({ reason }: AbortSignal): StopSignal {
  return reason === "SIGINT" ? "SIGINT" : "SIGTERM";
}
