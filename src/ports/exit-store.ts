import type { ExitRecord } from "../core/exit-leg.ts";
import type { PortfolioRecord } from "../core/portfolio.ts";

/** What was written down. */
interface ExitsMemory {
  readonly records: readonly ExitRecord[];
  readonly portfolio: PortfolioRecord | null;
}

/** The brain's memory, on this host's disk and in Redis: either is enough to go on from. Never throws. */
export interface ExitStore {
  /** What earlier lives have written, of both places what each knows more; what can't be read is told, and is no memory. */
  load(): Promise<{ readonly memory: ExitsMemory; readonly trouble: readonly string[] }>;
  /**
   * Writes the records, and forgets legs by name. Returns when the disk has them; Redis follows on its own. Null, or why the disk
   * does not have them: an order goes out all the same, because an exit that is not made is worse than one not written down.
   */
  remember(records: readonly ExitRecord[], gone: readonly string[]): string | null;
  /** Writes the portfolio's record, as `remember` does. */
  rememberPortfolio(record: PortfolioRecord): string | null;
}
