/** The end of a guarded bot: nothing of it may go on, its death is told, and it is not started again. */

import type {
  BotEnd,
  EndCause,
  Ending,
  GuardAction,
  GuardEvent,
  Guarding,
  GuardLimits,
  GuardMemory,
  GuardStep,
  Panic,
} from "./guard-state.ts";
import { memoryOf } from "./guard-state.ts";
import { beginPanic, inPanic } from "./own-panic.ts";
import { critical, info, warn } from "./tell.ts";
import { after, type Instant } from "./time.ts";

type EndingState = GuardMemory & Ending;

/** Begins the end of a bot that runs, or has just ended by itself. */
export function close(limits: GuardLimits, state: GuardMemory & Guarding, cause: EndCause, now: Instant): GuardStep {
  const signal = cause.kind === "asked" ? cause.signal : "SIGTERM";
  const killAfterMs = cause.kind === "fenced" ? Math.min(limits.killAfterMs, limits.fencedKillMs) : limits.killAfterMs;
  const [panic, naming] = panicOf(limits, cause);
  const next: EndingState = {
    ...memoryOf(state),
    kind: "ending",
    cause,
    gone: false,
    panic,
    until: after(now, limits.lingerMs),
    hurry: false,
  };
  return [next, [...naming, { kind: "end_bot", signal, killAfterMs }, ...opening(limits, state, cause)]];
}

/** Death is proof only where it was not ordered: by a person, or by a halt. */
function panicOf({ tripOnExit }: GuardLimits, cause: EndCause): readonly [Panic, readonly GuardAction[]] {
  if (!tripOnExit || cause.kind === "asked" || cause.kind === "halted") return [{ kind: "none" }, []];
  if (cause.kind === "died") return beginPanic(`EXIT_BRAIN_BOT_EXITED_(${endCode(cause.end)})`);
  return [{ kind: "owed", reason: `EXIT_BRAIN_BOT_STOPPED_(${cause.reason})` }, []];
}

function opening(limits: GuardLimits, { halt }: GuardMemory & Guarding, cause: EndCause): readonly GuardAction[] {
  const then = limits.tripOnExit
    ? "raising the panic"
    : "silent from here on, so that the watchdog raises the panic after five seconds";
  switch (cause.kind) {
    case "died":
      return [critical(`The bot has ended by itself, ${endWords(cause.end)}: ${then}`, "alarm")];
    case "fenced":
      return [critical(`Stopping the bot, because ${cause.why}; ${then}`, "alarm")];
    case "halted": {
      const reason = halt.kind === "halted" ? halt.reason : "";
      return [critical(`Trading is halted: ${reason}. Stopping the bot`, "alarm")];
    }
    case "asked":
      return [info(`${cause.signal}: handing it on to the bot, and silent from here on`)];
  }
}

/** Advances a guard whose bot has ended, or is made to. */
export function inEnding(limits: GuardLimits, state: EndingState, event: GuardEvent, now: Instant): GuardStep {
  const [next, actions] = ended(limits, state, event, now);
  const { gone, panic, halt, cause, hurry } = next;
  if (!gone) return [next, actions];
  const byOrder = cause.kind === "asked" || cause.kind === "halted" || hurry;
  const isTold = panic.kind === "none" || panic.kind === "confirmed";
  if (!byOrder && !(isTold && halt.kind === "halted") && now < next.until) return [next, actions];
  const code = cause.kind === "asked" ? 0 : 1;
  return [{ ...memoryOf(next), kind: "over" }, [...actions, ...farewell(next), { kind: "end", code }]];
}

function ended(
  limits: GuardLimits,
  state: EndingState,
  event: GuardEvent,
  now: Instant,
): readonly [EndingState, readonly GuardAction[]] {
  const { panic } = state;
  switch (event.kind) {
    case "gone": {
      const left = event.left.length === 0 ? [] : [stubborn(event.left)];
      const gone = { ...state, gone: true };
      if (panic.kind !== "owed") return [gone, left];
      const [begun, actions] = beginPanic(panic.reason);
      return [{ ...gone, panic: begun }, [...actions, ...left]];
    }
    case "asked":
      return [{ ...state, hurry: true }, []];
    case "named":
    case "raised":
    case "not_raised":
    case "called":
    case "timer": {
      if (panic.kind === "none" || panic.kind === "owed") return [state, []];
      const [next, actions] = inPanic(limits, panic, event, now);
      return [{ ...state, panic: next }, actions];
    }
    default:
      return [state, []];
  }
}

function stubborn(left: readonly number[]): GuardAction {
  const words = `What the bot has started can't be ended: process ${left.join(", ")}. It may trade, end it by hand`;
  return critical(words, "alarm");
}

/** What a person needs to know to go on. */
function farewell({ cause, halt }: EndingState): readonly GuardAction[] {
  if (cause.kind === "asked") return [];
  const again = "The bot is not started again by itself: quantum reset, then start this guard again";
  if (halt.kind === "halted") return [warn(again)];
  const words =
    "Trading is not halted, or that can't be read: look at the account, and quantum panic if anything is open";
  return [critical(words, "alarm"), warn(again)];
}

/** `CODE_1`, `SIGKILL`. */
function endCode({ code, signal }: BotEnd): string {
  return code === null ? (signal ?? "UNKNOWN") : `CODE_${code}`;
}

function endWords({ code, signal }: BotEnd): string {
  return code === null ? `killed by ${signal ?? "an unknown signal"}` : `exit code ${code}`;
}
