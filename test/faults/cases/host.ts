/** Faults of the machine: it is full, short of everything, restarted, or somebody else's. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { QUANTUM, ROOT, run } from "../../support/run.ts";
import { WORKER_KEY } from "../../support/worker.ts";
import { pings } from "../at-venue.ts";
import { type FaultCase, measure, must } from "../case.ts";
import { cgroupObjection, openCgroup } from "../cgroup.ts";
import { detectedAndFlat, flatByFollowUp, flatOnRecord, quiet } from "../expect.ts";
import { hostNames, machineObjection, smallDisk } from "../machine.ts";
import { FAST_WATCHDOG, FLAT_MAX_MS, LIMIT_MS, REAL_LIMIT_MS, type RoleOptions, type Scene } from "../scene.ts";

/** Says in the role's log with which code it ended. A SIGTERM is handed on, and the role dies with its shell. */
const TELLS_CODE: readonly string[] = [
  "bash",
  "-c",
  'setpriv --pdeathsig KILL "$@" & role=$!; trap "kill -TERM $role" TERM; wait $role; wait $role; echo "exit code $?"',
  "bash",
];

/** Its stdout goes through a process of its own, whose id is in `pidFile`, as it goes through journald. */
function readBy(pidFile: string): readonly string[] {
  return ["bash", "-c", `exec "$@" > >(echo $BASHPID > ${pidFile}; exec cat) 2>&1`, "bash"];
}

/** Every connection that the worker keeps warm for two positions: eight for reads, eight for orders. */
const WARM_PINGS = 16;

/** When the worker trips by itself without Redis. Design section 4. */
const REDIS_LOST_MS = 5_000;

const MIB = 1_048_576;

/** A group with 5 ms of CPU in each 100. */
function starvedBy(scene: Scene): readonly string[] {
  const cpu = openCgroup(scene, "cpu");
  cpu.set("cpu.cfs_period_us", 100_000);
  cpu.set("cpu.cfs_quota_us", 5_000);
  return cpu.by;
}

/** The sources under Bun with a defect in them. No hook for one ships. */
function withDefect(): readonly string[] {
  const defect = join(import.meta.dir, "..", "defects", "throw-in-a-decision.ts");
  const main = join(ROOT, "src", "main.ts");
  // The first word is the executable, which is not what runs here.
  return ["sh", "-c", `shift; exec ${process.execPath} --preload ${defect} ${main} "$@"`, "sh"];
}

/** Leaves things in the directory that the roles are started in which a Bun program would obey; the value says whether one did. */
function boobyTrap(scene: Scene): () => boolean {
  const proof = join(scene.directory, "obeyed");
  const put = (name: string, text: string): void => writeFileSync(join(scene.directory, name), text);
  put(".env", "QUANTUM_NAMESPACE=elsewhere\nLOG_LEVEL=critical\n");
  put("bunfig.toml", 'preload = ["./trap.ts"]\n');
  put("trap.ts", `require("node:fs").writeFileSync(${JSON.stringify(proof)}, "");\n`);
  return () => existsSync(proof);
}

const someFills = (scene: Scene): Promise<void> =>
  eventually("the first fill", () => scene.venue.fills(scene.apiKey).length > 0);

/** What the machine does to the roles. */
export const HOST_FAULTS: readonly FaultCase[] = [
  {
    row: 71,
    fault: "disk full for logs",
    caused:
      "the logs of watchdog and worker on a disk of 64 KiB, filled to the last byte before the brain falls silent",
    holds: "L1, L2 nothing waits for the log, nobody dies; what was said is written once there is room",
    fast: true,
    needs: machineObjection,
    run: async (scene) => {
      const disk = smallDisk(scene);
      const worker = await scene.start("eew", { logDirectory: disk.directory });
      const watchdog = await scene.start("watchdog", { ...FAST_WATCHDOG, logDirectory: disk.directory });
      const feed = scene.feed();
      await watchdog.says("Armed");
      disk.fill();
      feed.stop();
      const figures = await detectedAndFlat(scene);
      must(!watchdog.log().includes("TRIGGERING"), "the disk was not full");
      must(worker.running() && watchdog.running(), "a role has died of it");
      disk.empty();
      await watchdog.says("TRIGGERING PANIC CLOSE");
      await worker.says("PANIC CLOSE COMPLETE");
      return figures;
    },
  },
  {
    row: 72,
    fault: "reader of stdout dies",
    caused: "watchdog and worker write into a pipe, kill -9 of its reader, then the brain falls silent",
    holds: "L1, L2 a broken pipe ends nobody",
    fast: true,
    run: async (scene) => {
      const readers = ["eew", "watchdog"].map((name) => join(scene.directory, `${name}.reader`));
      const worker = await scene.start("eew", { by: readBy(readers[0] ?? "") });
      const watchdog = await scene.start("watchdog", { ...FAST_WATCHDOG, by: readBy(readers[1] ?? "") });
      const feed = scene.feed();
      await watchdog.says("Armed");
      for (const reader of readers) process.kill(Number(readFileSync(reader, "utf8")), "SIGKILL");
      feed.stop();
      const figures = await detectedAndFlat(scene);
      must(!worker.log().includes("PANIC CLOSE"), "the reader was not dead");
      must(worker.running() && watchdog.running(), "a role has died of it");
      return figures;
    },
  },
  {
    row: 73,
    fault: "no file descriptors left; killed for its memory",
    caused:
      "40 positions and ulimit -n 48 for the worker; the memory of one of two watchdogs cut off until the kernel kills it",
    holds: "L3 the other watchdog detects it; L2 with the connections that can be had",
    fast: false,
    scene: { many: 40 },
    needs: () => cgroupObjection("memory"),
    run: async (scene) => {
      const memory = openCgroup(scene, "memory");
      await scene.start("eew", { by: ["sh", "-c", 'ulimit -n 48; exec "$@"', "sh"] });
      const doomed = await scene.start("watchdog", { ...FAST_WATCHDOG, name: "doomed", by: memory.by });
      const other = await scene.start("watchdog", { ...FAST_WATCHDOG, name: "other" });
      const feed = scene.feed();
      await doomed.says("Armed");
      await other.says("Armed");
      // What it reads next is more than it may have.
      memory.set("memory.limit_in_bytes", memory.read("memory.usage_in_bytes") + MIB);
      await scene.redis.command("XADD", "exit_brain:heartbeat", "*", "x", "A".repeat(16 * MIB));
      await doomed.ended();
      must(other.running(), "the other one is gone, too");
      feed.stop();
      const event = await scene.firstEvent();
      const reports = await flatByFollowUp(scene, event.eventId);
      must(reports[0]?.outcome === "NOT_FLAT", `the first report says ${reports[0]?.outcome}`);
      return [measure("panic → flat", scene.lastFillMs() - event.atMs, FLAT_MAX_MS)];
    },
  },
  {
    row: 74,
    fault: "CPU starvation",
    caused: "a twentieth of a CPU each for watchdog and worker, limit 5 s: 8 s with a brain, then without",
    holds: "S1 no panic while it beats; L1, L2",
    fast: false,
    needs: () => cgroupObjection("cpu"),
    run: async (scene) => {
      const starved = (name: string): RoleOptions => ({ name, by: starvedBy(scene) });
      await scene.start("eew", starved("eew"));
      const watchdog = await scene.start("watchdog", starved("watchdog"));
      const feed = scene.feed();
      await watchdog.says("Armed");
      await quiet(scene, 8_000);
      feed.stop();
      return await detectedAndFlat(scene, REAL_LIMIT_MS);
    },
  },
  {
    row: 75,
    fault: "SIGTERM in mid-close",
    caused: "SIGTERM to the worker after the first fill of 20",
    holds: "the pass is finished and reported, then it ends with code 0",
    fast: true,
    scene: { many: 20, latencyMs: 300 },
    run: async (scene) => {
      const worker = await scene.start("eew", { by: TELLS_CODE });
      const panicMs = Date.now();
      const eventId = await scene.panic();
      await someFills(scene);
      worker.signal("SIGTERM");
      await worker.ended();
      must(worker.log().includes("finishing it first"), "it was asked to stop too late");
      must(worker.log().includes("exit code 0"), "it did not end with code 0");
      await flatOnRecord(scene, eventId);
      return [
        measure("panic → flat", scene.lastFillMs() - panicMs, FLAT_MAX_MS),
        measure("panic → gone", Date.now() - panicMs),
      ];
    },
  },
  {
    row: 76,
    fault: "restart storm",
    caused: "kill -9 and restart of the worker six times in a row, the last two in the middle of the pass",
    holds: "L2 once it stays up; S3 one report. The units lift systemd's StartLimit (test/systemd)",
    fast: true,
    scene: { many: 20, latencyMs: 300 },
    run: async (scene) => {
      const worker = await scene.start("eew");
      for (let i = 0; i < 4; i++) {
        // Each life is a little longer than the one before.
        await Bun.sleep(i * 150);
        await worker.restart();
      }
      const eventId = await scene.panic();
      await worker.says("PANIC CLOSE EVENT RECEIVED");
      await worker.restart();
      await someFills(scene);
      await worker.restart();
      const upMs = Date.now();
      await scene.untilFlat();
      await flatOnRecord(scene, eventId);
      return [measure("last restart → report FLAT", Date.now() - upMs, FLAT_MAX_MS)];
    },
  },
  {
    row: 77,
    fault: "old and new version side by side",
    caused: "heartbeats and events with only the oldest fields, and with fields that nobody knows yet",
    holds: "S1 each heartbeat is heard; each event is executed and reported",
    fast: true,
    run: async (scene) => {
      await scene.start("eew");
      const watchdog = await scene.start("watchdog", FAST_WATCHDOG);
      const oldest = scene.feed();
      await watchdog.says("Armed");
      await quiet(scene, 2 * LIMIT_MS);
      oldest.stop();
      const unknown = { schema: "99", margin: '{"ratio":0.5}', "": "nameless", positions: "[]" };
      scene.feed({
        fields: (seq) => ({ instance_id: "newer", seq: String(seq), last_decision_ts: String(Date.now()), ...unknown }),
      });
      await quiet(scene, 2 * LIMIT_MS);
      const panicMs = Date.now();
      const newer = await scene.report(await scene.panic({ ...unknown, severity: "CATASTROPHIC" }));
      must(newer.outcome === "FLAT", `the newer event was reported ${newer.outcome}`);
      const older = await scene.report(await scene.panic());
      must(older.outcome === "FLAT", `the older event was reported ${older.outcome}`);
      must(await scene.isHalted(), "trading is not halted");
      return [measure("panic → flat", scene.lastFillMs() - panicMs, FLAT_MAX_MS)];
    },
  },
  {
    row: 78,
    fault: "names stop resolving",
    caused: "the names of venue and Redis are gone from hosts and DNS, then every connection to Redis is cut",
    holds: "L4 the worker trips by itself and closes over warm connections; reported once the names are back",
    fast: false,
    needs: machineObjection,
    run: async (scene) => {
      const names = hostNames(scene, ["localhost", "redis.test"]);
      const redisUrl = scene.redis.url.replace("127.0.0.1", "redis.test");
      const env = { ...names.env, BINANCE_BASE_URL: scene.server.url.replace("127.0.0.1", "localhost") };
      scene.feed();
      const worker = await scene.start("eew", { by: names.by, env, redisUrl });
      await eventually("the worker is warm", () => pings(scene) >= WARM_PINGS);
      names.forget();
      must(!names.resolves("localhost") && !names.resolves("redis.test"), "the names still resolve");
      // Until nothing is remembered.
      await Bun.sleep(names.rememberedMs);
      const cutMs = Date.now();
      await scene.redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await worker.says("FAILURE DETECTED: REDIS_LOST");
      await scene.untilFlat();
      names.recall();
      const { eventId, reason } = await scene.firstEvent();
      must(reason.startsWith("REDIS_LOST_("), `the reason is ${reason}`);
      await flatOnRecord(scene, eventId);
      return [measure("Redis cut → flat", scene.lastFillMs() - cutMs, REDIS_LOST_MS + FLAT_MAX_MS)];
    },
  },
  {
    row: 79,
    fault: "a defect throws in a handler",
    caused: "the worker's sources with a defect that throws once, in the step that plans the closes; then a restart",
    holds: "it says so and ends with code 1, never limps; L2 after the restart, one report",
    fast: true,
    run: async (scene) => {
      const file = join(scene.directory, "defect");
      const by = [...TELLS_CODE, ...withDefect()];
      const worker = await scene.start("eew", { by, env: { DEFECT_FILE: file } });
      await eventually("it has practised", () => pings(scene) > 0);
      writeFileSync(file, "");
      const eventId = await scene.panic();
      await worker.ended();
      must(worker.log().includes("quantum: this is a defect in quantum, please report it"), "it is not told");
      must(worker.log().includes("exit code 1"), "it did not end with code 1");
      must(!scene.isFlat(), "the defect came too late");
      const restartedMs = Date.now();
      await worker.restart();
      await flatOnRecord(scene, eventId);
      return [measure("restart → flat", scene.lastFillMs() - restartedMs, FLAT_MAX_MS)];
    },
  },
  {
    row: 80,
    fault: "hostile working directory and environment",
    caused:
      ".env and a preload in bunfig.toml where the worker is started; BUN_OPTIONS, BUN_BE_BUN and BUN_INSPECT set",
    holds: "nothing of it is run or taken; such an environment is refused by name with code 2",
    fast: true,
    run: async (scene) => {
      const obeyed = boobyTrap(scene);
      await scene.start("eew");
      const panicMs = Date.now();
      await flatOnRecord(scene, await scene.panic());
      const env = { ...WORKER_KEY, REDIS_URL: scene.redis.url, BINANCE_TESTNET: "true" };
      const hostile = { BUN_OPTIONS: "--preload ./trap.ts", BUN_BE_BUN: "1", BUN_INSPECT: "127.0.0.1:0" };
      for (const [name, value] of Object.entries(hostile)) {
        for (const words of [["eew"], ["./trap.ts"]]) {
          const { code, stderr } = await run(QUANTUM, words, { cwd: scene.directory, env: { ...env, [name]: value } });
          must(
            code === 2 && stderr.startsWith(`quantum: ${name} is set`),
            `with ${name}: code ${code}, ${stderr.trim()}`,
          );
        }
      }
      must(!obeyed(), "the trap was run");
      return [measure("panic → flat", scene.lastFillMs() - panicMs, FLAT_MAX_MS)];
    },
  },
];
