import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { type Life, live, type Scene } from "./life.ts";
import { anyScene } from "./scenes.ts";

/*
 * What holds for every account and every trouble the venue can make:
 *
 *   1. no order of the worker ever grows or turns a leg;
 *   2. the report never claims more than the truth;
 *   3. no order is sent twice;
 *   4. a pass ends within 10.5 s, whatever hangs;
 *   5. once the trouble is over, the account ends flat.
 */

setDefaultTimeout(600_000);

/** More of them with `LIVES=5000 bun test test/simulation`. */
const LIVES = Number(process.env["LIVES"] ?? "500");

function check(scene: Scene, life: Life): void {
  expect(life.grown).toEqual([]);
  for (const { completion, tookMs, wasFlat, legsEmptied } of life.verdicts) {
    if (completion.outcome === "FLAT") expect(wasFlat).toBe(true);
    expect(completion.positionsClosed).toBeLessThanOrEqual(legsEmptied);
    expect(completion.positionsFailed === 0).toBe(completion.outcome === "FLAT");
    expect(tookMs).toBeLessThanOrEqual(10_500);
  }
  expect(new Set(life.orderIds).size).toBe(life.orderIds.length);
  expect(life.verdicts.at(-1)?.completion.outcome).toBe("FLAT");
  expect(scene.moves.length > 0 ? [] : life.left).toEqual([]);
}

describe("for any account and any trouble", () => {
  test("the worker is safe, truthful, on time, and done in the end", async () => {
    await fc.assert(
      fc.asyncProperty(anyScene, async (scene) => check(scene, await live(scene))),
      { numRuns: LIVES },
    );
  });
});
