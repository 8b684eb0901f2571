/**
 * What a role says to systemd and to journald, on whatever runtime runs this file. Run by systemd.test.ts, which listens.
 *
 * Arguments: where systemd listens, where journald does. On stdout: what could not be sent there.
 */

import { writeSync } from "node:fs";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { datagramsTo } from "../../src/adapters/systemd/datagram.ts";
import { journalLog } from "../../src/adapters/systemd/journal-log.ts";
import { systemdService } from "../../src/adapters/systemd/notify.ts";

const [systemd = "", journald = ""] = process.argv.slice(2);

const stdout = { write: (line: string) => void writeSync(1, line) };
const log = journalLog({ role: "smoke", level: "info", datagrams: datagramsTo(journald), stdout });
const service = systemdService({ datagrams: datagramsTo(systemd), watchdog: true, clock: hostClock, log });
service.status("größer");
service.ready();
service.worked();
service.stopping();
const event = { eventId: "e2", incidentId: "e1" };
for (const text of ["one", "two", "three"]) log.write("critical", text, "alarm", event);
process.exit(0);
