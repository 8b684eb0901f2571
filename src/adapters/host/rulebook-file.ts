import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { plain } from "../../core/decimal.ts";
import type { ContractRules, Rulebook } from "../../core/rulebook.ts";
import type { RulebookStore } from "../../ports/rulebook-store.ts";
import { decimalText } from "../decimal-shape.ts";

const contractRow = z.object({
  lot: z.nullable(z.object({ min: decimalText, max: decimalText, step: decimalText })),
  band: z.nullable(z.object({ up: decimalText, down: decimalText, tick: decimalText })),
});
const saved = z.record(z.string(), contractRow);

/** The rulebook in `rulebook.json` of the state directory. */
export function rulebookFile(stateDirectory: string): RulebookStore {
  const path = join(stateDirectory, "rulebook.json");
  return {
    load: () => {
      try {
        return new Map(Object.entries(saved.parse(JSON.parse(readFileSync(path, "utf8")))));
      } catch {
        return new Map();
      }
    },
    save: (rulebook) => {
      try {
        mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
        writeFileSync(`${path}.new`, JSON.stringify(rowsOf(rulebook)), { mode: 0o600 });
        renameSync(`${path}.new`, path);
        return true;
      } catch {
        return false;
      }
    },
  };
}

function rowsOf(rulebook: Rulebook): z.input<typeof saved> {
  return Object.fromEntries([...rulebook].map(([symbol, rules]) => [symbol, rowOf(rules)]));
}

function rowOf({ lot, band }: ContractRules): z.input<typeof contractRow> {
  return {
    lot: lot === null ? null : { min: plain(lot.min), max: plain(lot.max), step: plain(lot.step) },
    band: band === null ? null : { up: plain(band.up), down: plain(band.down), tick: plain(band.tick) },
  };
}
