/**
 * The log in the journal, with priorities and fields: `journalctl -p crit` shows an incident, `journalctl EVENT_ID=…` one event.
 *
 * Every line goes by journald's own protocol, so that their order is kept. One that journald does not take, because it is
 * down or busy, goes to stdout at once, which systemd connects to the journal as well: there its priority is a prefix, and it
 * has no fields.
 */

import type { DestinationStream } from "pino";
import type { About, TellLevel } from "../../core/tell.ts";
import type { Log } from "../../ports/log.ts";
import { GRAVITY, oneLine } from "../host/log.ts";
import type { Datagrams } from "./datagram.ts";

/** Where journald listens for its own protocol. */
export const JOURNAL_SOCKET = "/run/systemd/journal/socket";

/** syslog(3): CRIT, WARNING, INFO, DEBUG. */
const PRIORITIES: Readonly<Record<TellLevel | "debug", number>> = { critical: 2, warn: 4, info: 6, debug: 7 };

/** What it takes. */
export interface JournalWorld {
  readonly role: string;
  readonly level: TellLevel | "debug";
  /** To `JOURNAL_SOCKET`. */
  readonly datagrams: Datagrams;
  /** Connected to the journal. */
  readonly stdout: DestinationStream;
}

/** A log in the journal, as text without emoji: it is no terminal. */
export function journalLog({ role, level: least, datagrams, stdout }: JournalWorld): Log {
  const ours = [`SYSLOG_IDENTIFIER=quantum-${role}`, `QUANTUM_ROLE=${role}`];
  return {
    write: (level, text, _mark, about) => {
      if (GRAVITY[level] < GRAVITY[least]) return;
      const priority = PRIORITIES[level];
      const fields = [`MESSAGE=${text}`, `PRIORITY=${priority}`, ...ours, ...fieldsOf(about)];
      // A line break would begin another field, and an event's id is whatever its sender has written.
      const taken = datagrams.send(`${fields.map(oneLine).join("\n")}\n`);
      if (!taken.known) stdout.write(`<${priority}>${oneLine(text)}\n`);
    },
  };
}

/** The incident's id is on every line of it: what it is at the first event finds the follow-ups too. */
function fieldsOf(about: About | undefined): readonly string[] {
  if (about === undefined) return [];
  const incident = `QUANTUM_INCIDENT_ID=${about.incidentId}`;
  return "eventId" in about ? [incident, `EVENT_ID=${about.eventId}`] : [incident];
}
