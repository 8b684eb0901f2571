import { beforeEach, describe, expect, test } from "bun:test";
import { type JournalWorld, journalLog } from "../../../src/adapters/systemd/journal-log.ts";
import { known, unknown } from "../../../src/core/reading.ts";
import type { Log } from "../../../src/ports/log.ts";

let sent: string[];
let stdout: string[];
/** Whether journald takes what is sent. */
let takes: boolean;

beforeEach(() => {
  [sent, stdout, takes] = [[], [], true];
});

function log(level: JournalWorld["level"] = "info"): Log {
  return journalLog({
    role: "eew",
    level,
    datagrams: {
      send: (datagram) => {
        if (takes) sent.push(datagram);
        return takes ? known(null) : unknown("nothing listens there");
      },
    },
    stdout: { write: (line) => void stdout.push(line) },
  });
}

const FIRST = { eventId: "e1", incidentId: "e1" };

describe("an entry has", () => {
  test.each([
    ["debug", 7],
    ["info", 6],
    ["warn", 4],
    ["critical", 2],
  ] as const)("the text, the role and for %s priority %i, and no emoji", (level, priority) => {
    log("debug").write(level, "Closed: 2/2", "alarm");
    expect(sent).toEqual([
      `MESSAGE=Closed: 2/2\nPRIORITY=${priority}\nSYSLOG_IDENTIFIER=quantum-eew\nQUANTUM_ROLE=eew\n`,
    ]);
  });

  const fieldsOf = (entry: string | undefined): readonly string[] => (entry ?? "").trimEnd().split("\n").slice(4);

  test("the event that it is about, and its incident", () => {
    log().write("critical", "x", undefined, { eventId: "e2", incidentId: "e1" });
    expect(fieldsOf(sent[0])).toEqual(["QUANTUM_INCIDENT_ID=e1", "EVENT_ID=e2"]);
  });

  test("the incident of an attempt that is not published", () => {
    log().write("critical", "x", undefined, { incidentId: "e1", number: 2 });
    expect(fieldsOf(sent[0])).toEqual(["QUANTUM_INCIDENT_ID=e1"]);
  });

  test("no field that a message or an event's id brings along", () => {
    log().write("info", "a\nPRIORITY=2\r\nb", undefined, { ...FIRST, eventId: "e1\nPRIORITY=2" });
    expect(sent[0]?.split("\n").filter((line) => line.startsWith("PRIORITY="))).toEqual(["PRIORITY=6"]);
    expect(sent[0]).toStartWith("MESSAGE=a PRIORITY=2 b\n");
    expect(sent[0]).toEndWith("EVENT_ID=e1 PRIORITY=2\n");
  });
});

test("nothing is written below the level", () => {
  for (const level of ["debug", "info", "warn", "critical"] as const) log("warn").write(level, level);
  expect(sent.map((entry) => entry.split("\n")[0])).toEqual(["MESSAGE=warn", "MESSAGE=critical"]);
});

test("what journald does not take goes to stdout at once, with its priority, until it takes something again", () => {
  const journal = log();
  journal.write("info", "1");
  takes = false;
  journal.write("critical", "2\n<7>forged", "alarm", FIRST);
  journal.write("warn", "3");
  journal.write("debug", "not at this level");
  takes = true;
  journal.write("info", "4");
  expect(stdout).toEqual(["<2>2 <7>forged\n", "<4>3\n"]);
  expect(sent.map((entry) => entry.split("\n")[0])).toEqual(["MESSAGE=1", "MESSAGE=4"]);
});
