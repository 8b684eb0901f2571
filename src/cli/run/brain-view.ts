import { type ExitsView, exitsView } from "../../core/brain-note.ts";
import type { Reading } from "../../core/reading.ts";
import type { OperatorBus, Overview } from "../../ports/bus.ts";

/** What the brain says of itself, beside what it beats in `overview`. */
export async function brainView(bus: OperatorBus, overview: Reading<Overview>): Promise<ExitsView> {
  if (!overview.known) return { kind: "unknown", why: overview.why };
  const brain = overview.value.roles.find(({ role }) => role === "brain");
  return exitsView(brain, await bus.brainNote());
}
