import { brainCall } from "../../adapters/direct/watchdog-call.ts";
import { botProcess } from "../../adapters/host/bot-process.ts";
import { hostClock } from "../../adapters/host/clock.ts";
import { isProgram } from "../../adapters/host/find-program.ts";
import { forwardSignals } from "../../adapters/host/forwarded-signals.ts";
import { newIdentity } from "../../adapters/host/identity.ts";
import { commandProbe } from "../../adapters/host/probe-command.ts";
import { fileProbe } from "../../adapters/host/probe-file.ts";
import { httpProbe } from "../../adapters/host/probe-http.ts";
import { redisBrainBus } from "../../adapters/redis/brain-bus.ts";
import { redisBrainNote } from "../../adapters/redis/brain-note.ts";
import { loadAlerts } from "../../config/alerts.ts";
import { botEnv } from "../../config/bot-env.ts";
import { variable } from "../../config/env.ts";
import { loadLog } from "../../config/log.ts";
import { loadRedis } from "../../config/redis.ts";
import { Refusal } from "../../config/refusal.ts";
import { loadVenue } from "../../config/venue.ts";
import type { BrainNote } from "../../core/brain-note.ts";
import type { Bot, Probe } from "../../ports/bot.ts";
import type { Log } from "../../ports/log.ts";
import { keepNote } from "../../roles/brain-note.ts";
import { runGuard } from "../../roles/guard.ts";
import { type GuardConfig, guardFlags } from "../guard-flags.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, redisFlags, text } from "../options.ts";
import { openService } from "./open-service.ts";
import { openVenue } from "./open-venue.ts";
import { requireRedis, requireRights, tellEviction } from "./require-redis.ts";
import { openRoleLog } from "./role-log.ts";
import { directWords, waysToWorker } from "./ways-to-worker.ts";

/** A file that may be older than this is found to be too old only when the fifteen seconds of the runbook are nearly over. */
const FOUND_LATE_MS = 8_000;

/** Runs `quantum brain guard`. */
export async function guard(flags: Flags, io: Io, behindDashes: readonly string[] | null): Promise<ExitCode> {
  const config = guardFlags(flags, behindDashes);
  const [file, ...args] = config.command;
  if (!isProgram(file, variable(io.env, "PATH") ?? "")) {
    throw new Refusal(`${file} is no program that can be started: expected one on the PATH, or its path, behind --`);
  }
  const redis = loadRedis(io.env, redisFlags(flags));
  const venue = loadVenue(io.env, text(flags, "base-url"));
  const logConfig = loadLog(io.env, io);
  const alerts = loadAlerts(io.env);
  const ways = waysToWorker(flags, io.env, redis.triggerSecret);
  await requireRedis(redis);
  await requireRights(redis, "brain");
  const exchange = await openVenue(venue);
  const bus = redisBrainBus(redis);
  const { log, end } = openRoleLog("brain", logConfig, alerts, io.lastWords);
  void tellEviction(redis, log);
  const service = openService(io, log);
  const env = botEnv(io.env);
  const [probes, closeProbes] = openProbes(config, env);
  tellAtStart(log, config);
  if (config.limits.tripOnExit) log.write(ways.length === 0 ? "warn" : "info", directWords(ways));
  const [bot, stopForwarding] = forwarding(botProcess({ file, args, env, clock: hostClock }));
  const identity = newIdentity("exit_brain");
  const world = {
    clock: hostClock,
    bus,
    exchange,
    bot,
    probes,
    direct: ways.length === 0 ? null : brainCall(ways, redis.triggerSecret, hostClock),
    log,
    service,
    limits: config.limits,
    identity,
  };
  const notes = redisBrainNote(redis);
  const over = new AbortController();
  const note: BrainNote = { instanceId: identity.instanceId, work: { kind: "guard" } };
  const noting = keepNote({ clock: hostClock, write: notes.write }, () => note, over.signal);
  const code = await runGuard(world, io.signal);
  over.abort();
  await noting;
  notes.close();
  stopForwarding();
  bus.close();
  await closeProbes();
  await exchange.dispose();
  await end();
  return code;
}

/** The bot, which from its start on gets the signals that are not for the guard itself. */
function forwarding(bot: Bot): readonly [Bot, () => void] {
  let stop = (): void => undefined;
  const start: Bot["start"] = async () => {
    const started = await bot.start();
    if (started.known) stop = forwardSignals((name) => started.value.signal(name));
    return started;
  };
  return [{ start }, () => stop()];
}

function openProbes(
  { http, file, cmd, probeTimeoutMs }: GuardConfig,
  env: Readonly<Record<string, string>>,
): readonly [readonly Probe[], () => Promise<void>] {
  const common = { deadlineMs: probeTimeoutMs, clock: hostClock };
  const web = http === null ? null : httpProbe({ url: http, ...common });
  const probes = [
    ...(web === null ? [] : [web]),
    ...(file === null ? [] : [fileProbe({ ...file, ...common })]),
    ...(cmd === null ? [] : [commandProbe({ command: cmd, env, ...common })]),
  ];
  return [probes, async () => await web?.close()];
}

/** What an operator must not overlook. */
function tellAtStart(log: Log, { http, file, cmd }: GuardConfig): void {
  if (http === null && file === null && cmd === null) {
    log.write("warn", "No probe: the death of the bot is found, but not that it hangs. See --probe-http, --probe-file");
  }
  if (file === null || file.maxAgeMs <= FOUND_LATE_MS) return;
  const age = `--max-age-ms is ${file.maxAgeMs}`;
  log.write("warn", `${age}: a bot that hangs is found only after that, and the five seconds of the watchdog`);
}
