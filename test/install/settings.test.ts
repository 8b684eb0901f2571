import { describe, expect, test } from "bun:test";
import { directDoor, parseSettings, settingsText, valueObjection } from "../../src/install/settings.ts";

/** What the file says, as an object. */
function read(text: string): Readonly<Record<string, string>> {
  const settings = parseSettings(text);
  if ("malformed" in settings) throw new Error(settings.malformed);
  return Object.fromEntries(settings);
}

describe("settingsText()", () => {
  test("says nothing of the venue unless somebody has", () => {
    expect(read(settingsText({}, directDoor(0)))).toEqual({
      REDIS_URL: "redis://127.0.0.1:6379",
      QUANTUM_DIRECT_HTTP: "127.0.0.1:8702",
    });
  });

  test("takes over everything that is given", () => {
    const given = {
      BINANCE_TESTNET: "true",
      BINANCE_BASE_URL: "https://127.0.0.1:8443",
      BINANCE_STREAM_URL: "wss://127.0.0.1:8444",
      BINANCE_CA_FILE: "/etc/ssl/venue.pem",
      REDIS_URL: "rediss://user:p%40ss@redis:6380/2",
      QUANTUM_DIRECT_HTTP: "127.0.0.1:9000",
      ALERT_WEBHOOK_URL: "https://a.example/x?y=z#,https://b.example/",
      LOG_LEVEL: "debug",
    };
    expect(read(settingsText(given, directDoor(0)))).toEqual(given);
  });

  test("gives each account a door of its own", () => {
    expect([directDoor(0), directDoor(1), directDoor(2)]).toEqual([
      "127.0.0.1:8702",
      "127.0.0.1:8703",
      "127.0.0.1:8704",
    ]);
  });
});

test.each(["x'y", 'x"y', "x\\y", "x\ny", " xy", "xy "])("%j can't stand in the file, and is not repeated", (value) => {
  expect(valueObjection("REDIS_URL", value)).toStartWith("REDIS_URL has a quote");
  expect(valueObjection("REDIS_URL", value)).not.toContain(value);
});

test("an ordinary value can stand in the file", () => {
  expect(valueObjection("ALERT_WEBHOOK_URL", "https://host/a?b=c#d,e f")).toBeNull();
});

describe("parseSettings()", () => {
  test("reads a line as systemd does", () => {
    const text = `# a comment\n; another\n\nA=1\n  B = two words \nC="quoted one"\nD='q'\nE=\nF=a#b\n`;
    expect(read(text)).toEqual({ A: "1", B: "two words", C: "quoted one", D: "q", E: "", F: "a#b" });
  });

  test.each([
    ["export A=1", "line 1 is not NAME=value"],
    ["A=1\nnonsense", "line 2 is not NAME=value"],
    ['A="1" 2', "line 1, A"],
    ["A=a\\", "line 1, A"],
  ])("does not guess what %j means", (text, why) => {
    expect(parseSettings(text)).toEqual({ malformed: expect.stringContaining(why) });
  });
});
