/**
 * Do the other roles live? Each role watches others by their heartbeats, so that no protector dies unnoticed.
 *
 * This is for people: it tells, and no decision follows from it. A peer's silence counts only while this role could
 * have heard it, so an outage of the bus, or a start of everything at once, is not taken for a death.
 */

import type { Reading } from "./reading.ts";
import { critical, info, type Tell, warn } from "./tell.ts";
import { after, type Instant, latest } from "./time.ts";
import { tenths } from "./trip.ts";

/** When a peer counts as lost. */
export interface PeerLimits {
  /** A peer that was not heard for longer than this is lost. Design section 4, `WATCHDOG_LOST`: 10 s. */
  readonly lostMs: number;
  /** How often to look. Every role beats about once a second; more looks would see nothing new. */
  readonly lookMs: number;
}

/** Design section 4. */
export const PEER_LIMITS: PeerLimits = { lostMs: 10_000, lookMs: 1_000 };

/** The last heartbeat of a role, as the bus has it. */
export interface LastHeard {
  readonly role: string;
  /** Null: there is none. `entry` names the heartbeat; `ageMs` is on the bus's own clock. */
  readonly last: { readonly entry: string; readonly ageMs: number } | null;
}

/** What is known of the peers. */
export interface PeersState {
  /** Since when the bus was read without a break; null while it can't be read. */
  readonly listeningSince: Instant | null;
  /** When the bus was last read; null before the first time. */
  readonly readAt: Instant | null;
  readonly peers: ReadonlyMap<string, Peer>;
}

interface Peer {
  /** The heartbeat last seen, and when it arrived, on the local clock; null before the first one. */
  readonly heard: { readonly entry: string; readonly at: Instant } | null;
  /** Its silence was told. */
  readonly silent: boolean;
}

const UNSEEN: Peer = { heard: null, silent: false };

/** Nothing is known yet. */
export const START: PeersState = { listeningSince: null, readAt: null, peers: new Map() };

/** Takes in one reading, asked at `now`, and says what changed: once for each loss, once for each return. */
export function step(
  limits: PeerLimits,
  state: PeersState,
  reading: Reading<readonly LastHeard[]>,
  now: Instant,
): readonly [PeersState, readonly Tell[]] {
  if (!reading.known) return [{ ...state, listeningSince: null }, []];
  const listeningSince = state.listeningSince ?? now;
  const peers = new Map(state.peers);
  const lines: Tell[] = [];
  for (const { role, last } of reading.value) {
    const before = peers.get(role) ?? UNSEEN;
    const heard = last === null ? before.heard : hear(before.heard, last, state.readAt, now);
    const silent = isSilent(limits, before, heard, listeningSince, now);
    peers.set(role, { heard, silent });
    if (silent !== before.silent) lines.push(silent ? lossOf(role, heard, now) : returnOf(role, before));
  }
  return [{ listeningSince, readAt: now, peers }, lines];
}

/**
 * A heartbeat's arrival on the local clock. One that was seen before keeps its own, whatever the bus's clock says now;
 * a new one can't be older than the last look, which did not show it.
 */
function hear(
  before: Peer["heard"],
  { entry, ageMs }: NonNullable<LastHeard["last"]>,
  readAt: Instant | null,
  now: Instant,
): Peer["heard"] {
  if (before?.entry === entry) return before;
  const at = after(now, -ageMs);
  return { entry, at: readAt === null ? at : latest(at, readAt) };
}

function isSilent(
  { lostMs }: PeerLimits,
  before: Peer,
  heard: Peer["heard"],
  listeningSince: Instant,
  now: Instant,
): boolean {
  // Once told, only a fresh heartbeat is a return; that the bus came back is none.
  if (before.silent) return heard === null || now - heard.at > lostMs;
  return now - (heard === null ? listeningSince : latest(heard.at, listeningSince)) > lostMs;
}

/** A role that was never there may not be started yet; one that was there and fell silent is an incident. */
function lossOf(role: string, heard: Peer["heard"], now: Instant): Tell {
  if (heard === null) return warn(`${role}: no heartbeat has ever been seen`);
  return critical(`${role} lost: no heartbeat for ${tenths(now - heard.at)}`, "alarm");
}

function returnOf(role: string, before: Peer): Tell {
  return info(before.heard === null ? `${role} is there` : `${role} is back`);
}
