import type { ExitRecord } from "../../core/exit-leg.ts";
import { join } from "../../core/exit-memory.ts";
import type { PortfolioRecord } from "../../core/portfolio.ts";
import { legName } from "../../core/position.ts";
import type { Reading } from "../../core/reading.ts";
import type { ExitStore } from "../../ports/exit-store.ts";
import type { ExitFile } from "./file.ts";
import { readLegRecord, readPortfolioRecord, writeRecord } from "./record.ts";

/** The field of the portfolio's record; no leg has such a name. */
const PORTFOLIO = "*";

/** The second copy, which survives the host. */
export interface ExitHash {
  /** Every field, as text. */
  read(): Promise<Reading<ReadonlyMap<string, string>>>;
  /** Sets and removes fields, in one step. */
  write(set: ReadonlyMap<string, string>, removed: readonly string[]): Promise<Reading<null>>;
}

/** The brain's memory in both places. What Redis did not take is written again with the next change. */
export function exitStore(file: ExitFile, hash: ExitHash): ExitStore {
  let owedSet = new Map<string, string>();
  let owedGone = new Set<string>();
  let writing = false;

  const flush = async (): Promise<void> => {
    // One write at a time, so that an older one can't overtake a newer one.
    if (writing) return;
    writing = true;
    while (owedSet.size + owedGone.size > 0) {
      const [set, gone] = [owedSet, owedGone];
      [owedSet, owedGone] = [new Map(), new Set()];
      const written = await hash.write(set, [...gone]);
      if (written.known) continue;
      for (const [field, text] of set) if (!owedSet.has(field) && !owedGone.has(field)) owedSet.set(field, text);
      for (const field of gone) if (!owedSet.has(field)) owedGone.add(field);
      break;
    }
    writing = false;
  };

  const owe = (set: ReadonlyMap<string, string>, gone: readonly string[]): void => {
    for (const field of gone) {
      owedSet.delete(field);
      owedGone.add(field);
    }
    for (const [field, text] of set) {
      owedGone.delete(field);
      owedSet.set(field, text);
    }
    void flush();
  };

  return {
    async load() {
      const trouble = file.trouble === null ? [] : [file.trouble];
      const answer = await hash.read();
      if (!answer.known) {
        const why = `the exit policy's memory in Redis can't be read, that on disk counts: ${answer.why}`;
        return { memory: { records: file.found.legs, portfolio: file.found.portfolio }, trouble: [...trouble, why] };
      }
      const legs = new Map(file.found.legs.map((record) => [legName(record), record]));
      let portfolio = file.found.portfolio;
      for (const [field, text] of answer.value) {
        if (field === PORTFOLIO) portfolio = laterPortfolio(portfolio, readPortfolioRecord(text));
        else {
          const record = readLegRecord(text);
          if (record === null) trouble.push(`the exit policy's memory of ${field} in Redis can't be read`);
          // Behind a failover it may be an old one: the venue is asked for what it does not know.
          else legs.set(field, later(legs.get(field), { ...record, recalled: false }));
        }
      }
      return { memory: { records: [...legs.values()], portfolio }, trouble };
    },

    remember(records, gone) {
      owe(new Map(records.map((record) => [legName(record), writeRecord(record)])), gone);
      return file.remember(records, gone);
    },

    rememberPortfolio(record) {
      owe(new Map([[PORTFOLIO, writeRecord(record)]]), []);
      return file.rememberPortfolio(record);
    },
  };
}

/** Of one opening of a leg all that either knows; of two the later one. */
function later(one: ExitRecord | undefined, other: ExitRecord): ExitRecord {
  if (one === undefined) return other;
  const { entryPrice, openedAt, side } = one.memory;
  // The venue's records make a leg older than it was first noted: a copy from before that is no later opening.
  const wasMadeOlder = openedAt < other.memory.openedAt && other.memory.entryPrice.eq(entryPrice);
  const isSame = other.memory.openedAt === openedAt || wasMadeOlder;
  if (!isSame || side !== other.memory.side) {
    const [newest, before] = openedAt > other.memory.openedAt ? [one, other] : [other, one];
    // An order in doubt is asked for in any case.
    return { ...newest, pending: newest.pending ?? before.pending };
  }
  const [newer, older] = one.memory.sent >= other.memory.sent ? [one, other] : [other, one];
  const [memory, recalled] = [join(newer.memory, older.memory), one.recalled || other.recalled];
  return { ...newer, memory, earlier: newer.earlier ?? older.earlier, recalled };
}

function laterPortfolio(one: PortfolioRecord | null, other: PortfolioRecord | null): PortfolioRecord | null {
  if (one === null || other === null) return one ?? other;
  if (one.since !== other.since) return one.since > other.since ? one : other;
  // The one that has seen a halt, or more transfers, or is not fresh any more, was written later.
  if (one.halted !== other.halted) return one.halted ? one : other;
  if (one.transfers !== other.transfers) return one.transfers > other.transfers ? one : other;
  if (one.fresh !== other.fresh) return one.fresh ? other : one;
  return one.peak.gte(other.peak) ? one : other;
}
