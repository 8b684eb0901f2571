/**
 * The systemd units: the runbook's three roles, the target that holds them together, and two timers. Each exists twice, plain
 * for a host with one account, and as a template with `@` for several.
 */

import { type Account, accountDirectory, accountState, brainState, type Layout, policyPath } from "./layout.ts";
import { SECRETS, type SecretName, secretPath } from "./secrets.ts";

/** A unit file. */
export interface Unit {
  readonly name: string;
  readonly text: string;
}

/** The roles that systemd runs, in the order in which they are started: who protects comes before who is protected. */
export const ROLES = ["eew", "watchdog", "brain"] as const;
export type Role = (typeof ROLES)[number];

/** The runbook's names, without `.service`. */
const STEMS: Readonly<Record<Role, string>> = {
  brain: "quantum-exit-brain",
  watchdog: "quantum-exit-brain-watchdog",
  eew: "quantum-emergency-exit-worker",
};

/** What runs on a timer. */
export const TIMED = ["quantum-chaos", "quantum-doctor"] as const;

/** A role's unit, for the host's only account or for a named one. */
export function serviceOf(role: Role, account: Account): string {
  return `${STEMS[role]}${instanceOf(account)}.service`;
}

/** The target that starts and stops an account's roles. */
export function targetOf(account: Account): string {
  return `quantum${instanceOf(account)}.target`;
}

/** A timer, `quantum-chaos` or `quantum-doctor`. */
export function timerOf(stem: (typeof TIMED)[number], account: Account): string {
  return `${stem}${instanceOf(account)}.timer`;
}

/**
 * Every unit of an installation; `sealed` says that the secrets are encrypted by systemd-creds.
 */
export function units(layout: Layout, sealed: boolean): readonly Unit[] {
  return [null, "%i"].flatMap((account) => {
    const place: Place = { ...layout, account, sealed };
    return [
      ...ROLES.map((role) => ({ name: templateName(STEMS[role], account, "service"), text: ROLE_UNITS[role](place) })),
      { name: templateName("quantum", account, "target"), text: target(place) },
      { name: templateName("quantum-chaos", account, "service"), text: chaosService(place) },
      { name: templateName("quantum-chaos", account, "timer"), text: chaosTimer(place) },
      { name: templateName("quantum-doctor", account, "service"), text: doctorService(place) },
      { name: templateName("quantum-doctor", account, "timer"), text: doctorTimer(place) },
    ];
  });
}

/** For what a unit is written. */
interface Place extends Layout {
  readonly account: Account;
  readonly sealed: boolean;
}

function instanceOf(account: Account): string {
  return account === null ? "" : `@${account}`;
}

function templateName(stem: string, account: Account, type: string): string {
  return `${stem}${account === null ? "" : "@"}.${type}`;
}

const ROLE_UNITS: Readonly<Record<Role, (place: Place) => string>> = {
  eew: (place) => `[Unit]
Description=Quantum emergency exit worker${forAccount(place)}: closes everything on a panic event
${PROTECTOR_UNIT}
${partOf(place)}

[Service]
Type=notify
ExecStart=${place.executable} eew
${PROTECTOR_SERVICE}
# A pass under way is finished first: 15 s at most.
TimeoutStopSec=30

${settingsOf(place, "eew")}
${credentialsOf(place, SECRETS)}

${OWN_USER}
StateDirectory=${folderOf(accountState(place.account))}
StateDirectoryMode=0700
${SANDBOX}
${installedIn(place)}`,

  watchdog: (place) => `[Unit]
Description=Quantum watchdog${forAccount(place)}: judges the brain's heartbeats, publishes the panic event
${PROTECTOR_UNIT}
${partOf(place)}

[Service]
Type=notify
ExecStart=${place.executable} watchdog
${PROTECTOR_SERVICE}
TimeoutStopSec=5

${settingsOf(place, "watchdog")}
# It holds no exchange key.
${credentialsOf(place, ["quantum-trigger-secret"])}

${OWN_USER}
${SANDBOX}
${installedIn(place)}`,

  brain: (place) => `[Unit]
Description=Quantum exit brain${forAccount(place)}: watches open positions, beats with each decision
# Ordered behind its protectors, never bound to them: stopping the one must not stop the others.
After=network-online.target redis-server.service redis.service ${serviceOf("watchdog", place.account)} ${serviceOf("eew", place.account)}
Wants=network-online.target
# An operator's start is never refused for having come too often.
StartLimitIntervalSec=0
${partOf(place)}

[Service]
Type=notify
ExecStart=${place.executable} brain
# A restart inside the heartbeat limit would hide a death, and the watchdog must see every one. A person starts the
# brain again after the reset (runbook, recovery).
Restart=no
# The watchdog has given it up long before; this only ends a process that hangs. What hangs is not asked, and leaves no core.
WatchdogSec=30
WatchdogSignal=SIGKILL
# Ready with its first heartbeat that Redis has; no start waits for longer, and a person looks.
TimeoutStartSec=30
# It never says goodbye, so there is nothing to wait for.
TimeoutStopSec=5

${settingsOf(place, "brain")}
# The secret that panics are signed with, too: it may raise one itself.
${credentialsOf(place, SECRETS)}

${OWN_USER}
# What an exit policy remembers: no restart may forget a stop, or take a step twice.
StateDirectory=${folderOf(brainState(place.account))}
StateDirectoryMode=0700
${SANDBOX}
${installedIn(place)}`,
};

const PROTECTOR_UNIT = `# Redis under both its names, ordered only: a protector must outlive every stop of Redis and of the brain.
After=network-online.target redis-server.service redis.service
Wants=network-online.target
# Restarted for ever: no number of failures may leave it down.
StartLimitIntervalSec=0`;

const PROTECTOR_SERVICE = `Restart=always
RestartSec=100ms
# Fed at the end of each look at Redis, and in a pass for as long as it may last: what hangs is killed and started again. It
# is not asked to, for it would not hear, and a core would hold the exchange key.
WatchdogSec=5
WatchdogSignal=SIGKILL
# It is ready, or bears it that Redis is away, within seconds. What is not by then hangs.
TimeoutStartSec=30
# The last to be killed when memory runs out, and no cap on memory or CPU: it must never be throttled.
OOMScoreAdjust=-900
# Every line of an incident counts.
LogRateLimitIntervalSec=0`;

const OWN_USER = `# A user of its own, with nothing to create first. Under one shared account the watchdog could read the exchange key
# out of /proc, and a brain gone wrong could kill its protectors.
DynamicUser=yes
WorkingDirectory=/
UMask=0077
# A core dump would hold the exchange key.
LimitCORE=0`;

const NO_FOREIGN_CODE = `# With these, somebody else's code would run inside the executable; it refuses to start when one is set.
UnsetEnvironment=BUN_OPTIONS BUN_BE_BUN BUN_INSPECT BUN_INSPECT_PRELOAD`;

const SANDBOX = `
# No MemoryDenyWriteExecute: the JIT would switch itself off without a word, eleven times slower (measured).
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateTmp=yes
PrivateDevices=yes
LockPersonality=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
# A call that nobody foresaw fails; it must not kill the process in the middle of an exit.
SystemCallErrorNumber=EPERM
`;

/** Only a person who stops the target stops a role with it; nothing else that ends takes a protector along. */
function partOf({ account }: Place): string {
  return `# Stopped and restarted with the target, which nothing but a person stops.
PartOf=${targetOf(account)}`;
}

function installedIn({ account }: Place): string {
  return `[Install]
WantedBy=${targetOf(account)}
`;
}

function target(place: Place): string {
  return `[Unit]
Description=Quantum${forAccount(place)}: the emergency exit and what it guards
# The roles hang on it by themselves, each by its own "systemctl enable": a disabled brain stays off.

[Install]
WantedBy=multi-user.target
`;
}

/** As root: it strikes the brain through systemctl, and the sandbox of the roles would not let it. */
function chaosService(place: Place): string {
  return `[Unit]
Description=Quantum drill${forAccount(place)}: kills the exit brain on the testnet, judges what follows, and recovers
After=${ROLES.map((role) => serviceOf(role, place.account)).join(" ")}

[Service]
Type=oneshot
# Only ever on the testnet: elsewhere it is skipped, and that is no failure.
ExecCondition=/usr/bin/test "\${BINANCE_TESTNET}" = true
ExecStart=${place.executable} chaos --yes
# The drill itself ends within a minute; a role that does not come back is waited for.
TimeoutStartSec=300

${settingsOf(place, "ops")}
${credentialsOf(place, SECRETS)}
${AS_ROOT}`;
}

function chaosTimer(place: Place): string {
  return `[Unit]
Description=Quantum drill${forAccount(place)}, every month (runbook: run monthly chaos tests)
${partOf(place)}

[Timer]
# On the first, at noon: somebody is awake.
OnCalendar=*-*-01 12:00:00
RandomizedDelaySec=10min
Persistent=yes

${installedIn(place)}`;
}

function doctorService(place: Place): string {
  return `[Unit]
Description=Quantum check-up${forAccount(place)}: tells people what is missing before it is needed
After=network-online.target redis-server.service redis.service
Wants=network-online.target

[Service]
Type=oneshot
ExecStart=${place.executable} doctor --alert
TimeoutStartSec=120

${settingsOf(place, "ops")}
Environment=STATE_DIRECTORY=${accountState(place.account)}
# The one that the brain is to run, if any.
Environment=QUANTUM_POLICY=${policyPath(place, place.account)}
${credentialsOf(place, SECRETS)}
${AS_ROOT}`;
}

function doctorTimer(place: Place): string {
  return `[Unit]
Description=Quantum check-up${forAccount(place)}, every day
${partOf(place)}

[Timer]
OnCalendar=*-*-* 09:00:00
RandomizedDelaySec=30min
Persistent=yes

${installedIn(place)}`;
}

const AS_ROOT = `
WorkingDirectory=/
UMask=0077
LimitCORE=0
NoNewPrivileges=yes
ProtectSystem=full
ProtectHome=yes
ProtectClock=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateTmp=yes
PrivateDevices=yes
RestrictNamespaces=yes
SystemCallArchitectures=native
`;

function settingsOf(place: Place, user: Role | "ops"): string {
  const { account } = place;
  const directory = accountDirectory(place, account);
  const namespace = account === null ? "" : `Environment=QUANTUM_NAMESPACE=${account}\n`;
  return `${namespace}EnvironmentFile=${directory}/quantum.env
# Its own Redis user, where there is one (users.acl); what is set here wins.
EnvironmentFile=-${directory}/quantum-${user}.env
${NO_FOREIGN_CODE}`;
}

function credentialsOf({ sealed, settings, account }: Place, names: readonly SecretName[]): string {
  const setting = sealed ? "LoadCredentialEncrypted" : "LoadCredential";
  return names.map((name) => `${setting}=${name}:${secretPath({ settings }, account, name, sealed)}`).join("\n");
}

function folderOf(state: string): string {
  return state.replace("/var/lib/", "");
}

function forAccount({ account }: Place): string {
  return account === null ? "" : " of %i";
}
