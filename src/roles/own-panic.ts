import type { OwnPanicAction, OwnPanicEvent } from "../core/own-panic.ts";
import type { Tell } from "../core/tell.ts";
import type { BrainBus } from "../ports/bus.ts";
import type { DirectCall } from "../ports/direct-line.ts";

/** What a panic of its own is raised with. */
interface PanicWorld {
  readonly bus: Pick<BrainBus, "ownIncident" | "raise">;
  /** The way to the worker without the bus; null: there is none. */
  readonly direct: DirectCall | null;
  readonly instanceId: string;
}

/** Does what a panic of its own wants done. Decides nothing. */
export function raisePanic(
  { bus, direct, instanceId }: PanicWorld,
  action: Exclude<OwnPanicAction, Tell>,
  emit: (event: OwnPanicEvent) => void,
): void {
  switch (action.kind) {
    case "name_incident":
      void bus.ownIncident(instanceId).then((incidentId) => emit({ kind: "named", incidentId }));
      return;
    case "raise":
      void bus.raise(action.incidentId, action.reason).then((answer) => {
        emit(answer.known ? { kind: "raised" } : { ...answer, kind: "not_raised" });
      });
      return;
    case "call_direct":
      void direct
        ?.call({ incidentId: action.incidentId, number: 1 }, action.reason)
        .then((answer) => emit({ kind: "called", answer }));
      return;
  }
}
