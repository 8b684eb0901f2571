/** The worker's second line as it ships, with a journal that keeps nothing. */

import { SECOND_LINE_LIMITS } from "../../src/core/second-line.ts";
import { UNSUPERVISED } from "../../src/ports/service.ts";
import type { EarsWorld } from "../../src/roles/eew-ears.ts";

/** What a test gives to a worker that is not tested for its second line. */
export const SECOND_LINE: Pick<EarsWorld, "journal" | "direct" | "secondLine" | "alertOnly" | "service"> = {
  direct: { next: () => new Promise(() => undefined), ended: () => undefined },
  journal: {
    append: () => true,
    unfinished: () => [],
    executed: () => null,
    halt: () => null,
    trouble: () => null,
  },
  secondLine: SECOND_LINE_LIMITS,
  alertOnly: new Set(),
  service: UNSUPERVISED,
};
