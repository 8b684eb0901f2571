/** The one event loop of every role: receive, step, perform, and the outcome comes back as an event. */

import type { Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import { queue } from "./queue.ts";

/** A decision core, and what it takes to run it. */
export interface Machine<State, Event extends { readonly kind: string }, Action> {
  readonly start: State;
  step(state: State, event: Event | { readonly kind: "timer" }, now: Instant): readonly [State, readonly Action[]];
  /** When the core wants a `timer`; null: only an event can move it. */
  deadline(state: State): Instant | null;
  /** Does one thing; what comes of it is told through `emit`. Must not throw, and must not wait: it starts and returns. */
  perform(action: Action, emit: (event: Event) => void): void;
  /** Told of the state behind each event, once what it asked for was begun. */
  show?(state: State): void;
}

/** A role that runs. */
export interface Running<State, Event> {
  /** Hands the role something that happened. */
  emit(event: Event): void;
  /** The state after the last event that was taken. */
  state(): State;
  /** Settles when the loop has ended; rejects only on a defect, which must end the process (crash, never limp). */
  readonly ended: Promise<void>;
  /** Ends the loop after the event being taken. */
  stop(): void;
}

/** Runs a machine: one event at a time, and a timer for the moment its next rule would break. */
export function run<State, Event extends { readonly kind: string }, Action>(
  clock: Clock,
  machine: Machine<State, Event, Action>,
): Running<State, Event> {
  const events = queue<Event | { readonly kind: "timer" }>();
  let state = machine.start;

  const loop = async (): Promise<void> => {
    for (;;) {
      const at = machine.deadline(state);
      const cancel = at === null ? null : clock.at(at, () => events.push({ kind: "timer" }));
      const event = await events.next();
      cancel?.();
      if (event === null) return;
      const [next, actions] = machine.step(state, event, clock.now());
      state = next;
      for (const action of actions) machine.perform(action, events.push);
      machine.show?.(state);
    }
  };

  return { emit: events.push, state: () => state, ended: loop(), stop: events.close };
}
