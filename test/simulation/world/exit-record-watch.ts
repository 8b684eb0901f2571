/**
 * What the brain writes down of a leg only goes forward while the leg lasts: a stop gets no looser, a step is not undone, an order not
 * forgotten (X9). That it is lost with its copies is no step back: then there is nothing it could follow.
 */

import type { ExitFile } from "../../../src/adapters/exits/file.ts";
import { readLegRecord } from "../../../src/adapters/exits/record.ts";
import type { ExitRecord } from "../../../src/core/exit-leg.ts";
import { atLeastAsGood } from "../../../src/core/exit-memory.ts";
import { type CloseOrder, legName } from "../../../src/core/position.ts";
import type { Life } from "../../../src/sim/world/host.ts";
import type { World } from "../../../src/sim/world.ts";
import type { Break, Witness } from "./witness.ts";

/** The records of one run. */
export class ExitRecordWatch {
  readonly #world: World<Witness>;
  readonly #break: Break;

  constructor(world: World<Witness>, fails: Break) {
    this.#world = world;
    this.#break = fails;
  }

  over(life: Life, file: ExitFile): ExitFile {
    return {
      ...file,
      remember: (records, gone) => {
        if (!life.ended()) for (const record of records) this.#follows(record);
        return file.remember(records, gone);
      },
    };
  }

  /** It is on disk before it is on its way. */
  sends(order: CloseOrder): void {
    const onDisk = this.#written(legName(order))?.pending?.order.clientOrderId;
    if (onDisk !== order.clientOrderId)
      this.#break("X9", `${order.clientOrderId} is sent, and not written down: on disk is ${onDisk ?? "none"}`);
  }

  #written(leg: string): ExitRecord | null {
    const text = this.#world.exitDisk.written.get(leg);
    return text === undefined ? null : readLegRecord(text);
  }

  #follows(record: ExitRecord): void {
    const leg = legName(record);
    const before = this.#written(leg)?.memory;
    const { memory } = record;
    const isSame = before?.openedAt === memory.openedAt && before.side === memory.side && before.rules === memory.rules;
    if (before === undefined || !isSame) return;
    const lost = (what: string): void => this.#break("X9", `${leg}: ${what} is not written down any more`);
    if (
      before.stop !== null &&
      (memory.stop === null || !atLeastAsGood(memory.side, memory.stop.level, before.stop.level))
    )
      lost(`its stop at ${before.stop.level.toFixed()} (${memory.stop?.level.toFixed() ?? "none"})`);
    for (const [name, { taken, done }] of Object.entries(before.steps)) {
      const step = memory.steps[name];
      if (step === undefined || step.taken.lt(taken) || (done && !step.done)) lost(`its step ${name}`);
    }
    if (memory.size.lt(before.size)) lost(`its size of ${before.size.toFixed()}`);
    if (memory.sent < before.sent) lost(`its order ${before.sent}`);
    if (before.exiting !== null && memory.exiting === null) lost("that it is to be left");
  }
}
