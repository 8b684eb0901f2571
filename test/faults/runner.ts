/** Runs the cases, some side by side, and says what came of each. */

import type { FaultCase, Measure } from "./case.ts";
import { Scene } from "./scene.ts";

/** What came of one case. */
export interface Verdict {
  readonly fault: FaultCase;
  readonly measures: readonly Measure[];
  /** Empty where everything held. */
  readonly broken: readonly string[];
  /** The last lines of each role's log; only of a case in which something is broken. */
  readonly tails: readonly string[];
  readonly tookMs: number;
  /** Why it could not be caused on this machine; null where it was. */
  readonly skipped: string | null;
}

/** No case may take longer. */
const CASE_MAX_MS = 60_000;

const TAIL_LINES = 12;

/** Runs every case, `jobs` at a time; `told` hears of each as it ends. Never rejects. */
export async function runCases(
  cases: readonly FaultCase[],
  jobs: number,
  told: (verdict: Verdict) => void,
): Promise<readonly Verdict[]> {
  const left = [...cases];
  const verdicts: Verdict[] = [];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const verdict = await runCase(next);
      verdicts.push(verdict);
      told(verdict);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return verdicts.toSorted((one, other) => one.fault.row - other.fault.row);
}

/** Runs one case in a scene of its own, and leaves nothing behind. Never rejects. */
async function runCase(fault: FaultCase): Promise<Verdict> {
  const skipped = fault.needs?.() ?? null;
  if (skipped !== null) return { fault, measures: [], broken: [], tails: [], tookMs: 0, skipped };
  const beganAt = performance.now();
  const broken: string[] = [];
  let measures: readonly Measure[] = [];
  let scene: Scene | null = null;
  try {
    scene = await Scene.open(fault.scene);
    measures = await within(CASE_MAX_MS, fault.run(scene));
    broken.push(...measures.flatMap(overLimit));
  } catch (error) {
    broken.push(error instanceof Error ? error.message : String(error));
  }
  broken.push(...(scene?.violations() ?? []));
  const tails = broken.length === 0 ? [] : (scene?.logTails(TAIL_LINES) ?? []);
  await scene?.close();
  return { fault, measures, broken, tails, tookMs: performance.now() - beganAt, skipped: null };
}

function overLimit({ what, ms, limitMs }: Measure): readonly string[] {
  if (limitMs === null) return [];
  // A figure that is no number was not measured, and what was not measured has not held.
  return ms <= limitMs ? [] : [`${what}: ${ms} ms, the limit is ${limitMs} ms`];
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The case took longer than ${limitMs} ms`)), limitMs);
  });
  // After the limit the scene is taken down under it, and what it says then is of no interest.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
