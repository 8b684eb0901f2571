// biome-ignore-all lint/suspicious/noThenProperty: a word of the script; nobody awaits a rule.
/** What cases at the venue have in common: who is on guard, what goes wrong, and what was sent. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseFaultScript } from "../../src/sim/fault-rules.ts";
import { eventually } from "../support/eventually.ts";
import { FAST_WATCHDOG, type Role, type RoleOptions, type Scene } from "./scene.ts";

/** Where closes are sent. */
export const ORDER = { method: "POST", path: "/fapi/v1/order" };

/** The newer list of positions; the worker asks `v2` and the account where it fails. */
export const POSITIONS = { method: "GET", path: "/fapi/v3/positionRisk" };

/** One rule of a script: what it strikes, and what it does; once if `times` is not given. */
export interface Rule {
  readonly when: { readonly method?: string; readonly path?: string; readonly symbol?: string };
  readonly does: { readonly kind: string; readonly [word: string]: unknown };
  readonly skip?: number;
  readonly times?: number | null;
}

/** From now on these go wrong at the venue, and nothing else. */
export function play(scene: Pick<Scene, "faults">, ...rules: readonly Rule[]): void {
  const script = rules.map(({ does, ...rule }) => ({ ...rule, then: does }));
  scene.faults.play(parseFaultScript({ rules: script }));
}

/** A worker that has read the venue's rulebook, and a watchdog that follows up what it leaves open. */
export async function onGuard(scene: Scene, options: RoleOptions = {}): Promise<Role> {
  const worker = await scene.start("eew", options);
  await scene.start("watchdog", FAST_WATCHDOG);
  const rulebook = join(scene.directory, worker.name, "rulebook.json");
  await eventually("the rulebook is read", () => existsSync(rulebook));
  return worker;
}

/** A close as it arrived at the venue. */
export interface SentClose {
  readonly symbol: string;
  readonly quantity: string;
  readonly atMs: number;
}

/** The closes that the venue received, whatever it answered, in the order of execution; on one symbol if it is given. */
export function closesSent(scene: Scene, symbol?: string): readonly SentClose[] {
  const closes = scene.server.requests().flatMap(({ method, path, query, body, at }) => {
    if (method !== ORDER.method || path !== ORDER.path) return [];
    const params = new URLSearchParams(`${query}&${body}`);
    return [{ symbol: params.get("symbol") ?? "", quantity: params.get("quantity") ?? "", atMs: at }];
  });
  return symbol === undefined ? closes : closes.filter((close) => close.symbol === symbol);
}

/** How often the venue was asked for that path. */
export function asked(scene: Scene, path: string): number {
  return scene.server.requests().filter((request) => request.path === path).length;
}

/** How many connections the worker has proven so far, over and over. */
export const pings = (scene: Scene): number => asked(scene, "/fapi/v1/ping");
