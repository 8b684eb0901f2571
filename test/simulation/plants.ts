/**
 * `npm run plants`: does the simulation bite? Plants one bug after another in a test build, and shows how soon each is caught.
 *
 *   npm run plants                     all of them
 *   npm run plants -- --bug NAME       one
 *   npm run plants -- --list           their names, where they are, and what they would do
 *   npm run plants -- --from 7         the first seed; 1 if not said
 *   npm run plants -- --seeds 500      give up after so many; 20000 if not said
 *   npm run plants -- --jobs 1         so many processes at a time; 2 if not said
 *   npm run plants -- --renew          write the seeds that catch them into planted/caught-from, which the test begins with
 *
 * Exit code 1 if one is not caught, 2 for a flag that cannot be used. To read what a bug does:
 * `npm run simulate -- --plant NAME --seed N`.
 */

import { parseArgs } from "node:util";
import Table from "cli-table3";
import { flags, whole } from "../support/flags.ts";
import { SEED_MAX, type SeedReport } from "./children.ts";
import { PLANTED, type Plant, plantNamed } from "./planted/bugs.ts";
import { caughtFrom, caughtText, writeCaught } from "./planted/caught.ts";
import { hunt } from "./planted/hunt.ts";
import { share } from "./planted/share.ts";

/** What became of a bug. */
interface Hunted {
  readonly plant: Plant;
  readonly seeds: number;
  /** Null: not caught. */
  readonly caught: SeedReport | null;
}

async function huntOne(plant: Plant, from: number, seeds: number): Promise<Hunted> {
  let lived = 0;
  const caught = await hunt(plant, from, seeds, () => {
    lived += 1;
    if (lived % 500 === 0) console.error(`${plant.name}: not caught by ${lived} seeds`);
  });
  console.error(caught === null ? `${plant.name}: NOT CAUGHT by ${lived} seeds` : told(plant, caught));
  return { plant, seeds: lived, caught };
}

function told({ name }: Plant, { seed, broken }: SeedReport): string {
  return `${name}: caught by seed ${seed}, ${broken[0] ?? ""}`;
}

/** `S1: wd1 trips …` is of the invariant S1. */
function invariantOf({ broken }: SeedReport): string {
  return [...new Set(broken.map((what) => what.split(":", 1)[0] ?? ""))].join(" ");
}

function tableOf(hunted: readonly Hunted[]): string {
  const table = new Table({ head: ["planted bug", "caught by", "seeds", "at seed"], style: { head: [], border: [] } });
  for (const { plant, seeds, caught } of hunted)
    table.push([plant.name, caught === null ? "NOT CAUGHT" : invariantOf(caught), seeds, caught?.seed ?? ""]);
  return table.toString();
}

function read(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      bug: { type: "string" },
      list: { type: "boolean", default: false },
      from: { type: "string", default: "1" },
      seeds: { type: "string", default: "20000" },
      jobs: { type: "string", default: "2" },
      renew: { type: "boolean", default: false },
    },
  });
  const plant = values.bug === undefined ? null : plantNamed(values.bug);
  if (plant === undefined) throw new Error(`--bug ${values.bug}: no planted bug of that name, see --list`);
  return {
    plants: plant === null ? PLANTED : [plant],
    list: values.list,
    from: whole("--from", values.from, 0, SEED_MAX),
    seeds: whole("--seeds", values.seeds, 1, SEED_MAX),
    jobs: whole("--jobs", values.jobs, 1, 64),
    renew: values.renew,
  };
}

const { plants, list, from, seeds, jobs, renew } = flags(read);
if (list) {
  for (const { name, file, danger } of PLANTED) console.log(`${name}\n  ${file}: ${danger}`);
  process.exit(0);
}
const hunted = await share(jobs, plants, async (plant) => await huntOne(plant, from, seeds));
console.log(tableOf(hunted));
const found = new Map(hunted.flatMap(({ plant, caught }) => (caught === null ? [] : [[plant.name, caught.seed]])));
const known = caughtFrom();
const renewed = new Map(
  PLANTED.flatMap(({ name }) => {
    const seed = found.get(name) ?? known.get(name);
    return seed === undefined ? [] : [[name, seed]];
  }),
);
if (renew) writeCaught(renewed);
else console.log(`test/simulation/planted/caught-from would be:\n${caughtText(renewed)}`);
console.log(`${found.size} of ${plants.length} planted bugs are caught`);
process.exit(found.size === plants.length ? 0 : 1);
