/** What this machine has to have before another one can be booted in it. */

/** Each program with the Debian package that brings it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  debootstrap: "debootstrap",
  "systemd-nspawn": "systemd-container",
  ip: "iproute2",
  mount: "mount",
  nsenter: "util-linux",
  setpriv: "util-linux",
  unshare: "util-linux",
};

/** Why no machine can be booted here, and what to do; null if nothing is known against it. */
export function objection(): string | null {
  if (process.platform !== "linux") return "This is not Linux: systemd is booted in a container, expected a Linux host";
  if (process.getuid?.() !== 0) return "A machine is booted by root only: run it with sudo -E npm run test:systemd";
  const missing = Object.keys(PROGRAMS).filter((program) => Bun.which(program) === null);
  if (missing.length === 0) return null;
  const packages = [...new Set(missing.map((program) => PROGRAMS[program]))].join(" ");
  return `${missing.join(", ")} can't be found: apt-get update && apt-get install -y ${packages}`;
}
