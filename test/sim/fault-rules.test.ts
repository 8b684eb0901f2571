// biome-ignore-all lint/suspicious/noThenProperty: a word of the script; nobody awaits a rule.

import { describe, expect, test } from "bun:test";
import { ANSWER_NAMES, answerNamed, answerWithCode, replyOf } from "../../src/sim/fault-answers.ts";
import { parseFaultScript, showRule } from "../../src/sim/fault-rules.ts";
import { FaultBook } from "../../src/sim/faults.ts";
import { REFUSALS } from "../../src/sim/refusals.ts";

describe("a script", () => {
  test("strikes once, anything, unless it says otherwise", () => {
    expect(parseFaultScript({ rules: [{ then: { kind: "hang", executes: true } }] })).toEqual({
      rules: [{ when: {}, skip: 0, times: 1, effect: { kind: "hang", executes: true } }],
      seed: null,
    });
  });

  test("may be a bare list of rules", () => {
    const rules = [{ when: { symbol: "BTCUSDT" }, skip: 2, times: null, then: { kind: "delay", ms: 10 } }];
    expect(parseFaultScript(rules)).toEqual(parseFaultScript({ rules }));
  });

  test("may be a seed, with an intensity", () => {
    expect(parseFaultScript({ seed: 7 }).seed).toEqual({ seed: 7, intensity: 0.15 });
    expect(parseFaultScript({ seed: 7, intensity: 0.5 }).seed).toEqual({ seed: 7, intensity: 0.5 });
  });

  test.each([
    ["hang", { kind: "hang", executes: true }],
    ["reset", { kind: "reset", executes: false }],
    ["cut", { kind: "cut", executes: true }],
    ["drip", { kind: "drip", ms: 1 }],
    ["delay", { kind: "delay", ms: 3000 }],
    ["garbage", { kind: "garbage", executes: false, body: "<html>" }],
    ["partial", { kind: "partial", fraction: "0.5" }],
    ["stale", { kind: "stale", ms: 60_000 }],
    ["ban", { kind: "ban", ms: 120_000 }],
    ["throttle", { kind: "throttle", ms: 1000, retryAfterS: 1 }],
    ["order_limit", { kind: "order_limit", ms: 10_000 }],
    ["a code", { kind: "refuse", ...REFUSALS.priceBand, body: null }],
    ["a late answer", { kind: "late", ms: 5, status: 503, code: null, msg: "later", body: null }],
  ])("with %s is shown as it can be sent again", (_, then) => {
    const sent = Object.fromEntries(Object.entries(then).filter(([, value]) => value !== null));
    const [rule] = parseFaultScript([{ then: sent }]).rules;
    if (rule === undefined) throw new Error("no rule");
    expect(JSON.parse(JSON.stringify(showRule(rule)))).toEqual({ when: {}, skip: 0, times: 1, then });
  });
});

describe("an answer", () => {
  const answerOf = (said: object) => {
    const effect = parseFaultScript([{ then: { kind: "refuse", ...said } }]).rules[0]?.effect;
    if (effect?.kind !== "refuse") throw new Error("no answer");
    const { status, body } = replyOf(effect.answer);
    return `${status} ${body}`;
  };

  test.each([
    [{ code: -4131 }, `400 {"code":-4131,"msg":"${REFUSALS.priceBand.msg}"}`],
    [{ name: "overloaded" }, `503 {"code":-1008,"msg":"${REFUSALS.overloaded.msg}"}`],
    [{ name: "executionUnknown" }, "503 Unknown error, please check your request or try again later."],
    [{ name: "serviceUnavailable" }, "503 Service Unavailable."],
    [{ code: -1007, status: 500 }, `500 {"code":-1007,"msg":"${REFUSALS.backendTimeout.msg}"}`],
    [{ code: -1007, msg: "no" }, '408 {"code":-1007,"msg":"no"}'],
    [{ status: 503, msg: "Service Unavailable." }, "503 Service Unavailable."],
    [{ status: 418, code: -9999, msg: "new" }, '418 {"code":-9999,"msg":"new"}'],
    [{ status: 502, body: "<html>bad</html>" }, "502 <html>bad</html>"],
    [{ status: 500, body: "" }, "500 "],
  ])("of %j is %s", (said, expected) => {
    expect(answerOf(said)).toBe(expected);
  });

  test.each(ANSWER_NAMES.map((name) => [name] as const))("called %s has no hole in its text", (name) => {
    const answer = answerNamed(name);
    if (answer === null) throw new Error("no answer");
    expect(replyOf(answer).body).not.toContain("%s");
    expect(answer.status).toBeGreaterThanOrEqual(400);
  });

  test("in HTML says that it is HTML", () => {
    const firewall = answerNamed("firewall");
    if (firewall === null) throw new Error("no answer");
    expect(replyOf(firewall)).toMatchObject({ status: 403, headers: { "Content-Type": "text/html" } });
  });

  // Every code of binance.md 6, with the status it travels with.
  test.each([
    [-1000, 500],
    [-1001, 503],
    [-1002, 401],
    [-1003, 429],
    [-1006, 503],
    [-1007, 408],
    [-1008, 503],
    [-1015, 429],
    [-1016, 400],
    [-1021, 400],
    [-1022, 400],
    [-1099, 401],
    [-1102, 400],
    [-1106, 400],
    [-1111, 400],
    [-1112, 400],
    [-1116, 400],
    [-1117, 400],
    [-1121, 400],
    [-1122, 400],
    [-2010, 400],
    [-2011, 400],
    [-2013, 400],
    [-2014, 401],
    [-2015, 401],
    [-2017, 401],
    [-2019, 400],
    [-2020, 400],
    [-2021, 400],
    [-2022, 400],
    [-2023, 400],
    [-2024, 400],
    [-2026, 400],
    [-2027, 400],
    [-4003, 400],
    [-4004, 400],
    [-4005, 400],
    [-4014, 400],
    [-4015, 400],
    [-4016, 400],
    [-4023, 400],
    [-4024, 400],
    [-4046, 400],
    [-4059, 400],
    [-4060, 400],
    [-4061, 400],
    [-4062, 400],
    [-4067, 400],
    [-4068, 400],
    [-4082, 400],
    [-4083, 400],
    [-4087, 400],
    [-4088, 400],
    [-4105, 400],
    [-4106, 400],
    [-4107, 400],
    [-4109, 400],
    [-4116, 400],
    [-4117, 400],
    [-4118, 400],
    [-4120, 400],
    [-4131, 400],
    [-4137, 400],
    [-4138, 400],
    [-4140, 400],
    [-4141, 400],
    [-4142, 400],
    [-4164, 400],
    [-4189, 400],
    [-4192, 400],
    [-4400, 400],
    [-4401, 400],
    [-4402, 400],
    [-4403, 400],
    [-4408, 400],
    [-4411, 400],
    [-4531, 400],
    [-5021, 400],
    [-5022, 400],
    [-5028, 400],
    [-5041, 400],
  ])("with the code %i exists, with status %i and a text", (code, status) => {
    expect(answerWithCode(code)).toMatchObject({ code, status, msg: expect.stringMatching(/\w{3}/) });
  });
});

describe("a bad script is refused", () => {
  const hang = { kind: "hang", executes: true };

  test.each([
    [null, "The script is null: expected an object with rules, seed or both"],
    ["hang", 'The script is "hang": expected an object with rules, seed or both'],
    [{}, "The script is empty: expected rules, seed or both"],
    [{ rule: [] }, "The script has rule, which is not known there"],
    [{ rules: {} }, "rules is {}: expected a list of rules"],
    [{ rules: [7] }, "rules[0] is 7: expected a rule with then"],
    [[{ then: hang }, {}], "rules[1].then is missing: expected an effect with kind refuse, executed_but"],
    [[{ then: { kind: "explode" } }], 'rules[0].then.kind is "explode": expected an effect with kind refuse'],
    [[{ then: { kind: "hang" } }], "rules[0].then.executes is missing: expected true or false"],
    [[{ then: { ...hang, ms: 5 } }], "rules[0].then has ms, which is not known there"],
    [[{ then: { kind: "delay", ms: -1 } }], "rules[0].then.ms is -1: expected a whole number from 0 to 3600000"],
    [[{ then: { kind: "delay", ms: "5" } }], 'rules[0].then.ms is "5": expected a whole number'],
    [[{ then: { kind: "delay", ms: 0.5 } }], "rules[0].then.ms is 0.5: expected a whole number"],
    [[{ then: { kind: "stale", ms: 60_001 } }], "rules[0].then.ms is 60001: expected a whole number from 0 to 60000"],
    [[{ then: { kind: "partial", fraction: 0.5 } }], "rules[0].then.fraction is 0.5: expected a decimal string"],
    [[{ then: { kind: "partial", fraction: "1.5" } }], 'rules[0].then.fraction is "1.5": expected a decimal string'],
    [[{ then: { kind: "garbage", executes: true } }], "rules[0].then.body is missing: expected a string"],
    [[{ then: { kind: "refuse" } }], "rules[0].then does not say what is answered: expected an answer: a code"],
    [[{ then: { kind: "refuse", code: -1 } }], "rules[0].then does not say what is answered (-1 is not documented)"],
    [[{ then: { kind: "refuse", name: "no" } }], 'rules[0].then.name is "no": expected one of abovePriceCap'],
    [[{ then: { kind: "refuse", status: 99, msg: "" } }], "rules[0].then.status is 99: expected a whole number from"],
    [[{ when: { side: "SELL" }, then: hang }], "rules[0].when has side, which is not known there"],
    [[{ when: { path: "order" }, then: hang }], 'rules[0].when.path is "order": expected a path without a query'],
    [[{ when: { path: "/a?b" }, then: hang }], 'rules[0].when.path is "/a?b": expected a path without a query'],
    [[{ when: { method: "get" }, then: hang }], 'rules[0].when.method is "get": expected GET, POST, PUT or DELETE'],
    [[{ skip: -1, then: hang }], "rules[0].skip is -1: expected a whole number"],
    [[{ times: 0, then: hang }], "rules[0].times is 0: expected a whole number from 1"],
    [
      [{ when: { path: "/fapi/v1/time" }, then: { kind: "stale", ms: 1 } }],
      'rules[0].when is {"path":"/fapi/v1/time"}: expected for stale one of GET /fapi/v2/positionRisk',
    ],
    [
      [{ when: { method: "GET" }, then: { kind: "partial", fraction: "0.5" } }],
      'rules[0].when is {"method":"GET"}: expected for partial one of POST /fapi/v1/order',
    ],
    [{ seed: -1 }, "seed is -1: expected a whole number from 0 to 4294967295"],
    [{ seed: 1, intensity: 0 }, "intensity is 0: expected a number above 0 and up to 1"],
    [{ intensity: 0.5, rules: [] }, "intensity is 0.5: expected a seed with it"],
  ])("%j: %s", (input, message) => {
    expect(() => parseFaultScript(input)).toThrow(message);
  });

  test("as a whole, so what was played before goes on", () => {
    const book = new FaultBook();
    book.play(parseFaultScript([{ then: hang }]));
    expect(() => book.play(parseFaultScript([{ then: hang }, { then: {} }]))).toThrow("rules[1]");
    expect(book.report().rules).toHaveLength(1);
  });
});
