import { existsSync } from "node:fs";
import type { Target } from "../../adapters/alerts/target.ts";
import type { BinanceExchange } from "../../adapters/binance/exchange.ts";
import { workerAnswers } from "../../adapters/direct/call-http.ts";
import { hostClock } from "../../adapters/host/clock.ts";
import { writableDirectory } from "../../adapters/host/writable.ts";
import { type RedisCheckup, redisCheckup } from "../../adapters/redis/checkup.ts";
import { redisOperatorBus } from "../../adapters/redis/operator-bus.ts";
import { type AlertsConfig, loadAlerts } from "../../config/alerts.ts";
import { loadDirectHttp, urlOfDoor } from "../../config/direct-http.ts";
import { type Env, variable } from "../../config/env.ts";
import { loadLog } from "../../config/log.ts";
import { loadPolicyFile } from "../../config/policy.ts";
import { loadRedis, type RedisConfig, redisAddress } from "../../config/redis.ts";
import { Refusal } from "../../config/refusal.ts";
import { stateDirectory } from "../../config/state-directory.ts";
import { loadStreamUrl, loadVenue, type VenueConfig } from "../../config/venue.ts";
import type { Alert } from "../../core/alert.ts";
import { type CheckupFacts, checkup, type Finding, isFit } from "../../core/checkup.ts";
import { known, type Reading, unknown } from "../../core/reading.ts";
import { policyDropIn } from "../../install/policy.ts";
import type { OperatorBus } from "../../ports/bus.ts";
import { coloursWanted, type ExitCode, type Io } from "../io.ts";
import { type Flags, isSet, redisFlags, text } from "../options.ts";
import { checkupDocument, checkupNews, checkupRefusedNews, renderCheckup } from "../render-checkup.ts";
import { startWaiting, type Waiting } from "../waiting.ts";
import { brainView } from "./brain-view.ts";
import { connectVenue } from "./open-venue.ts";
import { PATIENT_MS } from "./require-redis.ts";
import { alertTargets } from "./role-log.ts";
import { tellPeople } from "./tell-people.ts";

/** How long the test alert may take: connections are cold, and nothing is in a hurry. */
const TEST_ALERT_MS = 5_000;

/**
 * Runs `quantum doctor`. It sends no order and cancels none; what it writes is a key of its own, which it removes. Only
 * `--test-alert` and `--alert` are heard outside, and the latter only where something is not fit.
 */
export async function doctor(flags: Flags, io: Io): Promise<ExitCode> {
  const alerts = loadAlerts(io.env);
  const tell = async (news: Alert | null): Promise<void> => {
    if (isSet(flags, "alert") && news !== null) await tellPeople(alerts, "doctor", news, io);
  };
  try {
    const findings = await examine(flags, io, alerts);
    io.out(
      isSet(flags, "json") ? JSON.stringify(checkupDocument(findings)) : renderCheckup(findings, coloursWanted(io)),
    );
    await tell(checkupNews(findings));
    return isFit(findings) ? 0 : 1;
  } catch (error) {
    // A timer's refusal is read by nobody, and settings that can't be used are what the roles will start with next time.
    if (error instanceof Refusal) await tell(checkupRefusedNews(error.message));
    throw error;
  }
}

async function examine(flags: Flags, io: Io, alertsConfig: AlertsConfig): Promise<readonly Finding[]> {
  const redis = { ...loadRedis(io.env, redisFlags(flags)), deadlineMs: PATIENT_MS };
  const venue = loadVenue(io.env, text(flags, "base-url"));
  loadStreamUrl(io.env, venue);
  loadLog(io.env, io);
  const door = loadDirectHttp(io.env, undefined, redis.triggerSecret);
  const path = stateDirectory(io.env);
  const targets = alertTargets(alertsConfig);
  const testAlert = isSet(flags, "test-alert");
  const exchange = connectVenue(venue);
  const bus = redisOperatorBus(redis);
  const questions = redisCheckup({ ...redis, clock: hostClock });
  const waiting = startWaiting(io);
  try {
    const [aboutRedis, brain, aboutVenue, directLine, alerts] = await Promise.all([
      redisFacts(questions, bus, waiting),
      waiting.for(
        "the brain",
        bus.overview().then((overview) => brainView(bus, overview)),
      ),
      venueFacts(exchange, waiting),
      door === null ? null : directFact(urlOfDoor(door), waiting),
      Promise.all(targets.map((target) => alertFact(target, testAlert, waiting))),
    ]);
    return checkup({
      settings: settingsLine(redis, venue),
      redis: aboutRedis,
      venue: { ...aboutVenue, testnet: venue.testnet },
      exits: { installed: installedPolicy(io.env, redis.namespace), brain },
      stateDirectory: { path, writable: writableDirectory(path) },
      directLine,
      alerts,
    });
  } finally {
    waiting.end();
    questions.close();
    bus.close();
    await exchange.dispose();
    await Promise.all(targets.map((target) => target.dispose()));
  }
}

function settingsLine(redis: RedisConfig, venue: VenueConfig): string {
  const account = venue.testnet ? "testnet" : "REAL MONEY";
  const namespace = redis.namespace === "" ? "no namespace" : `namespace ${redis.namespace}`;
  const signed = redis.triggerSecret === null ? "panic events are not signed" : "panic events are signed";
  return `${account} at ${venue.baseUrl}, Redis at ${redisAddress(redis.url)}, ${namespace}, ${signed}`;
}

async function redisFacts(redis: RedisCheckup, bus: OperatorBus, waiting: Waiting): Promise<CheckupFacts["redis"]> {
  const [roundTripMs, memory, disk, write, halt, lastDrill] = await Promise.all([
    waiting.for("Redis", redis.roundTripMs()),
    waiting.for("Redis memory", redis.memory()),
    waiting.for("Redis's disk", redis.disk()),
    waiting.for("Redis writes", redis.write()),
    waiting.for("the halt", bus.halt()),
    waiting.for("the last drill", bus.lastDrill()),
  ]);
  return { roundTripMs, memory, disk, write, halt, lastDrill };
}

/** Read as the brain will at its next start. */
function installedPolicy(env: Env, namespace: string): CheckupFacts["exits"]["installed"] {
  const path = variable(env, "QUANTUM_POLICY");
  if (path === null) return known(null);
  if (!existsSync(path)) {
    const dropIn = policyDropIn(namespace === "" ? null : namespace);
    return existsSync(dropIn) ? unknown(`${path} is not there any more, and ${dropIn} needs it`) : known(null);
  }
  try {
    const { sha256 } = loadPolicyFile(path);
    return known({ path, sha256 });
  } catch (error) {
    if (error instanceof Refusal) return unknown(error.message);
    throw error;
  }
}

type VenueFacts = Omit<CheckupFacts["venue"], "testnet">;

async function venueFacts(exchange: BinanceExchange, waiting: Waiting): Promise<VenueFacts> {
  const reached = roundTrip(exchange);
  const [roundTripMs, clockAheadMs, key, account, orderLimits, positions, restingOrders] = await Promise.all([
    waiting.for("the venue", reached),
    // Only then, because opening a connection would count as the way there.
    waiting.for(
      "the venue's clock",
      reached.then(() => clockAhead(exchange)),
    ),
    waiting.for("the API key", exchange.access()),
    waiting.for("the account", exchange.account()),
    waiting.for("the order limits", exchange.orderLimits()),
    waiting.for("the positions", exchange.positions()),
    waiting.for("the resting orders", exchange.restingOrders()),
  ]);
  return {
    roundTripMs,
    clockAheadMs,
    key,
    account,
    orderLimits,
    positions: counted(positions),
    restingOrders: counted(restingOrders),
  };
}

async function directFact(url: string, waiting: Waiting): Promise<CheckupFacts["directLine"]> {
  return { url, answers: await waiting.for("the worker's direct line", workerAnswers(url, hostClock)) };
}

/** With the connections open, as they are in a pass: opening them is the first look's part. */
async function roundTrip(exchange: BinanceExchange): Promise<Reading<number>> {
  const first = await exchange.warm(1);
  return first.known ? exchange.warm(1) : first;
}

async function clockAhead(exchange: BinanceExchange): Promise<Reading<number>> {
  const venueNow = await exchange.now();
  return venueNow.known ? known(venueNow.value - hostClock.wall()) : venueNow;
}

function counted(reading: Reading<readonly unknown[]>): Reading<number> {
  return reading.known ? known(reading.value.length) : reading;
}

async function alertFact(target: Target, test: boolean, waiting: Waiting): Promise<CheckupFacts["alerts"][number]> {
  const { name } = target;
  return { name, tested: test ? await waiting.for(`the test alert to ${name}`, testAlert(target)) : null };
}

async function testAlert(target: Target): Promise<Reading<null>> {
  const text = "A test alert: nothing has happened, this is where you would be told";
  const alert = { role: "doctor", level: "warn", text, eventId: null, incidentId: null, at: hostClock.wall() } as const;
  const outcome = await target.post(alert, TEST_ALERT_MS);
  return outcome.kind === "delivered" ? known(null) : unknown(outcome.why);
}
