/** Preloaded into a role that runs from its sources: a defect in the middle of a decision, once, when its file is there. */

import { existsSync, rmSync } from "node:fs";

const { imul } = Math;

// Order ids are hashed with it (`core/flatten-plan.ts`), so it throws in the step that plans the closes.
Math.imul = (one, other) => {
  const file = process.env["DEFECT_FILE"] ?? "";
  if (!existsSync(file)) return imul(one, other);
  rmSync(file);
  throw new Error("a defect that was put here on purpose");
};
