import { describe, expect, test } from "bun:test";
import { NOT_YET, type Permission, type Standing, stand } from "../../src/core/standing.ts";
import { aPermission } from "../support/core.ts";

const MANUAL = { shadow: false, autoLive: false };
const AUTO = { shadow: false, autoLive: true };

/** Where it stands behind looks at the bus: `halted`, or the permission that is read. */
function behind(options: typeof MANUAL, looks: readonly (readonly [Permission, halted?: boolean])[]): boolean {
  let standing: Standing = NOT_YET;
  for (const [permission, halted = false] of looks) standing = stand(options, standing, permission, halted);
  return standing.isLive;
}

describe("a brain with a policy", () => {
  const CALM: Permission = { newestPanic: null, given: null };
  const rows: readonly (readonly [
    fact: string,
    options: typeof MANUAL,
    looks: Parameters<typeof behind>[1],
    live: boolean,
  ])[] = [
    ["is live where there never was a panic", MANUAL, [[CALM]], true],
    ["is in shadow behind one, without a permission", MANUAL, [[{ newestPanic: "9-0", given: null }]], false],
    ["is live by a permission for it", MANUAL, [[{ newestPanic: "9-0", given: aPermission("a", "9-0") }]], true],
    ["is in shadow by one that is older", MANUAL, [[{ newestPanic: "9-1", given: aPermission("a", "9-0") }]], false],
    ["compares ids as numbers", MANUAL, [[{ newestPanic: "9-0", given: aPermission("a", "10-0") }]], true],
    ["is in shadow behind a halt by hand", MANUAL, [[CALM], [CALM, true], [CALM]], false],
    [
      "needs another permission than the one before the halt",
      MANUAL,
      [
        [{ newestPanic: null, given: aPermission("a", "0-0") }],
        [{ newestPanic: null, given: aPermission("a", "0-0") }, true],
        [{ newestPanic: null, given: aPermission("a", "0-0") }],
      ],
      false,
    ],
    [
      "is live by one from behind the halt",
      MANUAL,
      [[{ newestPanic: "9-0", given: null }, true], [{ newestPanic: "9-0", given: aPermission("b", "9-0") }]],
      true,
    ],
    ["does not forget a panic that Redis has lost", MANUAL, [[{ newestPanic: "9-0", given: null }], [CALM]], false],
    [
      "goes by the newest that it has seen, though Redis shows an older one",
      MANUAL,
      [[{ newestPanic: "9-0", given: null }], [{ newestPanic: "5-0", given: aPermission("a", "5-0") }]],
      false,
    ],
    [
      "goes by a newer one than it has seen",
      MANUAL,
      [[{ newestPanic: "5-0", given: null }], [{ newestPanic: "9-0", given: aPermission("a", "5-0") }]],
      false,
    ],
    [
      "is live by a permission for the newest of two",
      MANUAL,
      [[{ newestPanic: "5-0", given: null }], [{ newestPanic: "9-0", given: aPermission("a", "9-0") }]],
      true,
    ],
    ["is not live before it has asked", AUTO, [], false],
    [
      "is live by one that is given on an empty Redis, also where its clock was set back",
      MANUAL,
      [[{ newestPanic: "9-0", given: null }], [CALM], [{ newestPanic: null, given: aPermission("b", "0-0", 3) }]],
      true,
    ],
    [
      "is live by one that is given behind a loss of data: it covers all until then",
      MANUAL,
      [[{ newestPanic: "9-0", given: null }], [CALM], [{ newestPanic: null, given: aPermission("b", "0-0", 12) }]],
      true,
    ],
    [
      "is live by one that is given behind a failover to older data, and its own older panics",
      MANUAL,
      [
        [{ newestPanic: "9-0", given: null }],
        [{ newestPanic: "5-0", given: aPermission("a", "4-0", 4) }],
        [{ newestPanic: "5-0", given: aPermission("b", "5-0", 12) }],
      ],
      true,
    ],
    [
      "is in shadow by one that may be from before the lost panic: in its very millisecond",
      MANUAL,
      [[{ newestPanic: "9-0", given: null }], [{ newestPanic: "5-0", given: aPermission("b", "5-0", 9) }]],
      false,
    ],
    [
      "is in shadow behind a panic on record, though the permission was given by a clock that was ahead",
      MANUAL,
      [[{ newestPanic: "9-0", given: aPermission("a", "5-0", 3_000) }]],
      false,
    ],
    [
      "is in shadow behind that loss for as long as nobody gives one",
      MANUAL,
      [[{ newestPanic: "9-0", given: null }], [CALM], [CALM], [CALM]],
      false,
    ],
    [
      "is in shadow by an older one that a failover has brought back",
      MANUAL,
      [
        [{ newestPanic: "9-0", given: aPermission("b", "8-0") }],
        [{ newestPanic: null, given: aPermission("a", "7-0") }],
        [{ newestPanic: null, given: aPermission("a", "7-0") }],
      ],
      false,
    ],
    [
      "is in shadow behind the next panic",
      MANUAL,
      [
        [{ newestPanic: "9-0", given: null }],
        [CALM],
        [{ newestPanic: null, given: aPermission("b", "0-0", 12) }],
        [{ newestPanic: "13-0", given: aPermission("b", "0-0", 12) }],
      ],
      false,
    ],
    [
      "is in shadow behind the next panic, also where Redis began anew with smaller ids",
      MANUAL,
      [
        [{ newestPanic: "9-0", given: null }],
        [CALM],
        [{ newestPanic: null, given: aPermission("b", "0-0", 12) }],
        [{ newestPanic: "5-0", given: aPermission("b", "0-0", 12) }],
      ],
      false,
    ],
    [
      "needs none with --auto-live, once the halt is gone",
      AUTO,
      [[{ newestPanic: "9-0", given: null }, true], [{ newestPanic: "9-0", given: null }]],
      true,
    ],
    ["is not live while halted, with --auto-live either", AUTO, [[CALM, true]], false],
    [
      "is never live with --shadow",
      { shadow: true, autoLive: false },
      [[{ newestPanic: "9-0", given: aPermission("a", "9-0") }]],
      false,
    ],
  ];
  test.each(rows)("%s", (_fact, options, looks, live) => expect(behind(options, looks)).toBe(live));
});
