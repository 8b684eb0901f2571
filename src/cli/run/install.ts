import { existsSync, readFileSync } from "node:fs";
import { canSeal } from "../../adapters/systemd/credentials.ts";
import { activeUnits } from "../../adapters/systemd/systemctl.ts";
import { loadRedis, type RedisConfig } from "../../config/redis.ts";
import { Refusal } from "../../config/refusal.ts";
import {
  type Account,
  accountDirectory,
  accountObjection,
  BY_HAND,
  BY_PACKAGE,
  policyPath,
} from "../../install/layout.ts";
import { type Manifest, manifestPath, manifestText } from "../../install/manifest.ts";
import {
  affected,
  digestOf,
  editedInPlace,
  enabling,
  everyRole,
  fileSteps,
  policyRemoval,
  RELOAD,
  restarts,
  type Step,
  unitsChange,
  userSteps,
  usersPath,
  type WantedFile,
  type Wishes,
  wantedFiles,
  withoutBrains,
} from "../../install/plan.ts";
import { brainDropIns, policyDropIn } from "../../install/policy.ts";
import type { SecretName } from "../../install/secrets.ts";
import { directDoor, settingsText } from "../../install/settings.ts";
import { serviceOf, targetOf } from "../../install/units.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, isSet, text } from "../options.ts";
import { version } from "../version.ts";
import { checkSettings, haltObjection } from "./before-restart.ts";
import { carryOut } from "./carry-out.ts";
import { foreignCommand } from "./foreign-command.ts";
import { givenSecrets, givenSettings } from "./given.ts";
import { lookAt, readManifest, requireHost, thisProgram } from "./installation.ts";
import { givenPolicy, wantedPolicy } from "./policy-wish.ts";
import { confirm, show, tellDone } from "./propose.ts";
import { administrator, redisUsers } from "./redis-users.ts";
import { uninstall } from "./uninstall.ts";

/** Runs `quantum install`. */
export async function install(flags: Flags, io: Io): Promise<ExitCode> {
  const account = accountOf(flags);
  const given = givenPolicy(flags);
  const prefix = text(flags, "prefix");
  if (prefix !== undefined) return await intoPackage(prefix, flags, io);
  if (!isSet(flags, "dry-run")) requireHost();
  if (isSet(flags, "uninstall")) return await uninstall(flags, io);
  const plan = await planned(account, given, flags, io);
  if (isSet(flags, "dry-run")) {
    show(plan.steps, "Would do:", flags, io);
    return 0;
  }
  if (plan.objection !== null && !isSet(flags, "during-halt")) {
    show(plan.steps, "Would do:", flags, io);
    throw new Refusal(
      `Nothing was touched: ${plan.objection}. Expected a system at work: after the reset, or --during-halt`,
    );
  }
  if (plan.steps.length === 0)
    io.err(`Nothing to do: quantum ${version()} is in place, with everything that belongs to it`);
  else {
    await confirm(plan.steps, "Will do:", flags, io);
    await carryOut(plan.steps, plan.redis, io);
  }
  tellDone(plan.steps, flags, io);
  tellNext(plan, account, io);
  return 0;
}

/** @throws {Refusal} if the name can't be one. */
function accountOf(flags: Flags): Account {
  const name = text(flags, "account");
  const objection = name === undefined ? null : accountObjection(name);
  if (objection !== null) throw new Refusal(objection);
  return name ?? null;
}

interface Planned {
  readonly steps: readonly Step[];
  /** Why the roles should not be restarted now; null if nothing speaks against it. */
  readonly objection: string | null;
  readonly redis: RedisConfig;
  readonly settingsPath: string;
  readonly missing: readonly SecretName[];
  /** A policy is given that is only told. */
  readonly toldOnly: boolean;
  /** A policy is taken away. */
  readonly withoutPolicy: boolean;
  /** Whose brain goes on as it was started, because its unit runs a command of somebody's own. */
  readonly leftRunning: readonly Account[];
  /** Roles run already, or will. */
  readonly started: boolean;
}

async function planned(account: Account, given: Wishes["policy"], flags: Flags, io: Io): Promise<Planned> {
  const program = thisProgram();
  const packaged = program.path === BY_PACKAGE.executable;
  const layout = packaged ? BY_PACKAGE : BY_HAND;
  const before = readManifest(layout);
  const isFirst = before === null || !before.accounts.includes(account);
  const accounts = isFirst ? [...(before?.accounts ?? []), account] : before.accounts;
  // A package's units are the same on every host.
  const sealed = before?.sealed ?? (!packaged && canSeal());
  const { missing, written } = givenSecrets(io.env, layout, account, sealed);
  const settings = settingsText(givenSettings(io.env), directDoor(accounts.indexOf(account)));
  const inForce = textAt(`${accountDirectory(layout, account)}/quantum.env`) ?? settings;
  const redis = redisUsers(layout, account, inForce, isSet(flags, "redis-users"));
  const installedPolicy = before?.policies.get(account) ?? null;
  const policy = isSet(flags, "no-policy") ? null : wantedPolicy(given, layout, account, installedPolicy);
  const wishes: Wishes = { layout, account, packaged, sealed, program, settings, secrets: written, redis, policy };
  const files = wantedFiles(wishes);
  const { former, policies, removals } = policyChange(wishes, before);
  const record = recordOf({ version: version(), layout, packaged, sealed, accounts, policies, files: former }, files);
  const changes = [...removals, ...fileSteps([...files, record], lookAt([...files, record].map(({ path }) => path)))];
  refuseStrangers(changes);
  const isNew = changes.some(({ kind }) => kind !== "keep");
  const runningUnits = await whatRuns(isSet(flags, "dry-run"));
  // A package replaces the executable by itself.
  const isOtherVersion = before !== null && before.version !== version();
  const outdated =
    isSet(flags, "restart") || isOtherVersion
      ? everyRole(accounts)
      : [...affected(changes, wishes, accounts), ...editedInPlace(wishes, before?.files ?? new Map())];
  const foreign = isSet(flags, "restart") ? [] : accounts.filter((one) => foreignCommand(one) !== null);
  const touched = withoutBrains(outdated, foreign);
  const working = accounts.filter((one) => {
    const own = touched.filter((each) => each.account === one);
    return restarts(runningUnits, own).length > 0;
  });
  // The account's own policy was read already, be it this one or a new one.
  checkSettings(
    layout,
    working,
    [...policies.keys()].filter((one) => one !== account),
  );
  const directory = accountDirectory(layout, account);
  const folders = [
    ...[layout.settings, directory].map((path) => ({ path, mode: 0o700 })),
    ...(policy === null ? [] : [{ path: brainDropIns(account), mode: 0o755 }]),
  ].filter(({ path }, i, all) => !existsSync(path) && all.findIndex((other) => other.path === path) === i);
  return {
    steps: [
      ...folders.map(({ path, mode }): Step => ({ kind: "directory", path, mode })),
      ...userSteps(wishes, changes, textAt(usersPath(layout, account)) ?? ""),
      ...(isNew ? changes : []),
      ...(unitsChange(changes, wishes) ? [RELOAD] : []),
      ...(isFirst ? [enabling(account)] : []),
      ...restarts(runningUnits, touched),
      ...(isSet(flags, "start") ? [starting(account)] : []),
    ],
    objection: await haltObjection(layout, working),
    redis: administrator(io.env, inForce),
    settingsPath: `${directory}/quantum.env`,
    missing,
    toldOnly: given?.mode === "shadow",
    withoutPolicy: removals.length > 0,
    leftRunning: foreign.filter((one) => {
      const brain = outdated.filter(({ account, roles }) => account === one && roles.includes("brain"));
      return runningUnits.includes(serviceOf("brain", one)) && brain.length > 0;
    }),
    started: isSet(flags, "start") || runningUnits.length > 0,
  };
}

/** What an account's policy, or that it is to have none any more, makes of the installation's record. */
function policyChange(
  wishes: Wishes,
  before: Manifest | null,
): Pick<Manifest, "policies"> & { readonly former: Manifest["files"]; readonly removals: readonly Step[] } {
  const { account, layout, policy } = wishes;
  const [policies, former] = [new Map(before?.policies), new Map(before?.files)];
  if (policy !== null) return { policies: policies.set(account, policy.mode), former, removals: [] };
  const paths = [policyPath(layout, account), policyDropIn(account)];
  for (const path of paths) former.delete(path);
  return { policies, former, removals: policies.delete(account) ? policyRemoval(wishes, lookAt(paths)) : [] };
}

/**
 * The units that run.
 *
 * @throws {Refusal} where that can't be told: a role that runs and is not known of would go on as the old version, and nobody
 * would ask whether trading is halted.
 */
async function whatRuns(isDryRun: boolean): Promise<readonly string[]> {
  const running = await activeUnits("quantum-*.service");
  if (running.known) return running.value;
  if (isDryRun) return [];
  throw new Refusal(`Nothing was touched: which roles run can't be told, ${running.why}`);
}

/** A package carries the executable and the units; settings and secrets are each host's own. */
async function intoPackage(prefix: string, flags: Flags, io: Io): Promise<ExitCode> {
  const wishes: Omit<Wishes, "layout"> = {
    account: null,
    packaged: false,
    sealed: false,
    program: thisProgram(),
    settings: "",
    secrets: new Map(),
    redis: null,
    policy: null,
  };
  const files = wantedFiles({ layout: BY_PACKAGE, ...wishes })
    .filter(({ care }) => care === "ours")
    .map((file): WantedFile => ({ ...file, path: `${prefix}${file.path}` }));
  const folders = [...new Set(files.map(({ path }) => path.slice(0, path.lastIndexOf("/"))))];
  const steps = [
    ...folders.map((path): Step => ({ kind: "directory", path, mode: 0o755 })),
    ...fileSteps(files, lookAt(files.map(({ path }) => path))),
  ];
  if (isSet(flags, "dry-run")) show(steps, "Would do:", flags, io);
  else await carryOut(steps, loadRedis({}, { redisUrl: undefined, namespace: "" }), io);
  return 0;
}

function textAt(path: string): string | null {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

/** Written last: what it names is there. */
function recordOf(manifest: Manifest, files: readonly WantedFile[]): WantedFile {
  // What is kept is on record already, as it was when it was written.
  const isKept = ({ care, path }: WantedFile): boolean => care === "yours" && manifest.files.has(path);
  const written = files.filter((file) => !isKept(file)).map((file) => [file.path, digestOf(file)] as const);
  const all = new Map([...manifest.files, ...written]);
  const text = manifestText({ ...manifest, files: all });
  return { path: manifestPath(manifest.layout), mode: 0o600, content: { kind: "text", text }, care: "ours" };
}

/** @throws {Refusal} if there is something else where a file is to be. */
function refuseStrangers(steps: readonly Step[]): void {
  for (const step of steps) {
    if (step.kind !== "stranger") continue;
    throw new Refusal(`${step.why}: expected nothing there, or what an earlier installation has written`);
  }
}

function starting(account: Account): Step {
  return { kind: "run", args: ["start", targetOf(account)], why: "the roles, those who protect first" };
}

/** What a person has to do now, in the order in which it has to be done. */
function tellNext(plan: Planned, account: Account, io: Io): void {
  const { leftRunning, missing, settingsPath, started, toldOnly, withoutPolicy } = plan;
  if (withoutPolicy) {
    io.err(
      "If the policy had a backstop, its stops still rest at the venue, and nobody keeps them in step: cancel them there",
    );
  }
  const venueIsSaid = /^BINANCE_TESTNET=(true|false)$/m.test(readFileSync(settingsPath, "utf8"));
  const name = account === null ? "" : ` --account ${account}`;
  for (const one of leftRunning) {
    const [unit, path] = [serviceOf("brain", one), foreignCommand(one)];
    io.err(`${unit} runs the command of ${path}, and goes on as it is: to restart it, and its bot, is up to you`);
  }
  const lines = [
    ...(venueIsSaid ? [] : [`say in ${settingsPath} which venue it is: BINANCE_TESTNET=true or false`]),
    ...(missing.length === 0
      ? []
      : [`hand over the key: BINANCE_API_KEY_FILE=… BINANCE_API_SECRET_FILE=… quantum install --yes${name}`]),
    ...(started ? [] : [`systemctl start ${targetOf(account)}`, "quantum doctor"]),
    ...(toldOnly
      ? ["see what the brain would do, journalctl -t quantum-brain -f; then the same without --shadow"]
      : []),
  ];
  if (lines.length > 0) io.err(`Next:\n${lines.map((line) => `  ${line}`).join("\n")}`);
}
