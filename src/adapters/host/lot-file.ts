import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { decimal, plain } from "../../core/decimal.ts";
import type { LotRule, LotRules } from "../../core/lots.ts";
import type { LotStore } from "../../ports/lot-store.ts";

const saved = z.record(z.string(), z.object({ min: z.string(), max: z.string(), step: z.string() }));

/** The market lots in `lots.json` of the state directory. */
export function lotFile(stateDirectory: string): LotStore {
  const path = join(stateDirectory, "lots.json");
  return {
    load: () => {
      try {
        const rows = saved.parse(JSON.parse(readFileSync(path, "utf8")));
        return new Map(Object.entries(rows).map(([symbol, row]) => [symbol, ruleOf(row)]));
      } catch {
        return new Map();
      }
    },
    save: (rules) => {
      try {
        mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
        writeFileSync(`${path}.new`, JSON.stringify(rowsOf(rules)), { mode: 0o600 });
        renameSync(`${path}.new`, path);
        return true;
      } catch {
        return false;
      }
    },
  };
}

function ruleOf({ min, max, step }: z.infer<typeof saved>[string]): LotRule {
  return { min: decimal(min), max: decimal(max), step: decimal(step) };
}

function rowsOf(rules: LotRules): z.infer<typeof saved> {
  return Object.fromEntries(
    [...rules].map(([symbol, { min, max, step }]) => [symbol, { min: plain(min), max: plain(max), step: plain(step) }]),
  );
}
