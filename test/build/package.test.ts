/** What can be seen of a package in a moment: the whole of it is `npm run package`, which reads back what it has made. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { controlText, glibcNeeded, packDeb } from "../../build/deb.ts";
import { copyrightText, thirdPartyText } from "../../build/licences.ts";
import { elfMachineOf, MACHINES, type Target } from "../../build/runtime.ts";
import { packTarball } from "../../build/tarball.ts";
import lock from "../../package-lock.json" with { type: "json" };
import { ROOT, run } from "../support/run.ts";

const EPOCH = 1_795_450_000;
const FACTS = { version: "0.1.0", architecture: "amd64", glibc: "2.17", epoch: EPOCH } as const;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "quantum-package-test-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The same three files, written in another order, at another time and with other rights. */
function plant(name: string, order: readonly string[], mode: number): string {
  const tree = join(folder, name);
  for (const file of order) {
    const path = join(tree, file);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, `the text of ${file}\n`);
    chmodSync(path, mode);
    utimesSync(path, mode, mode);
  }
  return tree;
}

const FILES = ["usr/bin/quantum", "usr/lib/systemd/system/quantum.target", "usr/lib/b"];

function digest(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

describe("the same files give the same bytes, whoever packs them:", () => {
  test("a tarball", () => {
    const paths = [FILES, FILES.toReversed()].map((order, i) => {
      const parent = join(folder, `tar-${i}`);
      const tree = plant(`tar-${i}/quantum-0.1.0-linux-x64`, order, i === 0 ? 0o600 : 0o666);
      const path = join(folder, `${i}.tar.gz`);
      packTarball(parent, "quantum-0.1.0-linux-x64", [join(tree, "usr/bin/quantum")], EPOCH, path);
      return path;
    });
    const [one = "", other = ""] = paths;
    expect(digest(one)).toBe(digest(other));
    const listing = execFileSync("tar", ["--numeric-owner", "--utc", "-tvzf", one], { encoding: "utf8" });
    expect(
      listing
        .trim()
        .split("\n")
        .map((line) => line.replaceAll(/ +/g, " ")),
    ).toEqual([
      "drwxr-xr-x 0/0 0 2026-11-23 16:06 quantum-0.1.0-linux-x64/",
      "drwxr-xr-x 0/0 0 2026-11-23 16:06 quantum-0.1.0-linux-x64/usr/",
      "drwxr-xr-x 0/0 0 2026-11-23 16:06 quantum-0.1.0-linux-x64/usr/bin/",
      "-rwxr-xr-x 0/0 28 2026-11-23 16:06 quantum-0.1.0-linux-x64/usr/bin/quantum",
      "drwxr-xr-x 0/0 0 2026-11-23 16:06 quantum-0.1.0-linux-x64/usr/lib/",
      "-rw-r--r-- 0/0 22 2026-11-23 16:06 quantum-0.1.0-linux-x64/usr/lib/b",
      "drwxr-xr-x 0/0 0 2026-11-23 16:06 quantum-0.1.0-linux-x64/usr/lib/systemd/",
      "drwxr-xr-x 0/0 0 2026-11-23 16:06 quantum-0.1.0-linux-x64/usr/lib/systemd/system/",
      "-rw-r--r-- 0/0 50 2026-11-23 16:06 quantum-0.1.0-linux-x64/usr/lib/systemd/system/quantum.target",
    ]);
  });

  test("a Debian package", () => {
    const [one = "", other = ""] = [FILES, FILES.toReversed()].map((order, i) => {
      const tree = plant(`deb-${i}`, order, i === 0 ? 0o600 : 0o666);
      const path = join(folder, `${i}.deb`);
      packDeb(tree, { copyright: "ours\n" }, FACTS, path);
      return path;
    });
    expect(digest(one)).toBe(digest(other));
    const contents = execFileSync("dpkg-deb", ["--contents", one], {
      encoding: "utf8",
      env: { ...process.env, TZ: "UTC" },
    });
    const lines = contents.trim().split("\n");
    expect(lines.every((line) => line.includes(" root/root ") && line.includes(" 2026-11-23 16:06 "))).toBe(true);
    expect(lines.filter((line) => line.startsWith("-rwxr-xr-x")).map((line) => line.split(" ").at(-1))).toEqual([
      "./usr/bin/quantum",
    ]);
    expect(lines.map((line) => line.split(" ").at(-1)).filter((name) => !name?.endsWith("/"))).toEqual([
      "./usr/bin/quantum",
      "./usr/lib/b",
      "./usr/lib/systemd/system/quantum.target",
      "./usr/share/doc/quantum/changelog.gz",
      "./usr/share/doc/quantum/copyright",
      "./usr/share/lintian/overrides/quantum",
    ]);
    const field = (name: string): string =>
      execFileSync("dpkg-deb", ["--field", one, name], { encoding: "utf8" }).trim();
    expect(["Package", "Version", "Architecture", "Depends"].map(field)).toEqual([
      "quantum",
      "0.1.0",
      "amd64",
      "libc6 (>= 2.17)",
    ]);
  });
});

test("the control file says what the package is, in the lines that Debian reads", () => {
  const lines = controlText({ ...FACTS, architecture: "arm64" }, 119_431).split("\n");
  expect(lines).toContain("Architecture: arm64");
  expect(lines).toContain("Installed-Size: 119431");
  // Everything that is not a field is a part of the description, and none of it is too wide.
  expect(lines.filter((line) => line !== "" && !/^([A-Z][A-Za-z-]+: | (\.$|[^ ]))/.test(line))).toEqual([]);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

test("the glibc that is needed is the newest that is asked for, not the last in the alphabet", () => {
  const needs =
    "  0x0010: Name: GLIBC_2.9  Flags: none\n  0x0020: Name: GLIBC_2.17\n  0x0030: Name: BUN_1.2\n Name: GLIBC_2.2.5";
  expect(glibcNeeded(needs)).toBe("2.17");
  expect(() => glibcNeeded("Name: BUN_1.2")).toThrow("asks for no GLIBC");
});

describe("the scripts of the package", () => {
  /** What a script would call on a host that systemd started; nothing of it is executed. */
  function calls(script: string, ...args: readonly string[]): readonly string[] {
    const bin = mkdtempSync(join(folder, "bin-"));
    const log = join(bin, "calls");
    writeFileSync(log, "");
    for (const name of ["rm", "rmdir", "systemctl", "grep", "quantum"]) {
      writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >> ${log}\n`);
      chmodSync(join(bin, name), 0o755);
    }
    const text = readFileSync(join(ROOT, "build", "debian", script), "utf8").replaceAll("/run/systemd/system", bin);
    // No other directory on the PATH: what is not there can't be called.
    execFileSync("/bin/sh", ["-c", text, script, ...args], { env: { PATH: bin }, stdio: "ignore" });
    return readFileSync(log, "utf8")
      .split("\n")
      .filter((line) => line !== "" && line !== "systemctl --system daemon-reload");
  }

  test.each([["remove"], ["upgrade"], ["failed-upgrade"], ["abort-install"], ["disappear"]])(
    "postrm %s removes nothing",
    (action) => {
      expect(calls("postrm", action)).toEqual([]);
    },
  );

  test("postrm purge removes the settings, the state and what was enabled, and nothing else", () => {
    const removed = calls("postrm", "purge")
      .filter((call) => call.startsWith("rm"))
      .flatMap((call) => call.split(" ").slice(1));
    expect(removed).toContain("/etc/quantum");
    expect(removed).toContain("/var/lib/quantum");
    expect(removed).toContain("/etc/systemd/system/quantum-exit-brain*.service.d/10-policy.conf");
    const ours =
      /^(-r?f|\/etc\/quantum|\/var\/lib\/(private\/)?quantum(-\*)?|\/var\/lib\/systemd\/timers\/stamp-quantum-\S+|\/etc\/systemd\/system\/(\*\.wants\/)?quantum\S+)$/;
    expect(removed.filter((word) => !ours.test(word))).toEqual([]);
  });

  test("prerm remove stops every account's units: no drill any more, then who protects, the brain last", () => {
    expect(calls("prerm", "remove")).toEqual([
      "systemctl stop quantum-chaos* quantum-doctor*",
      "systemctl stop quantum-exit-brain-watchdog*.service",
      "systemctl stop quantum-emergency-exit-worker*.service",
      "systemctl stop quantum-exit-brain*.service",
      "systemctl stop quantum*.target",
    ]);
  });

  test("postinst of an upgrade brings the roles up to date, where they were installed from the package", () => {
    expect(calls("postinst", "configure", "0.0.9")).toEqual([
      'grep -q "packaged": true /etc/quantum/installed.json',
      "quantum install --yes",
    ]);
  });

  test.each<readonly [string, ...string[]]>([
    ["prerm", "upgrade", "0.2.0"],
    ["prerm", "failed-upgrade", "0.0.9"],
    ["postinst", "configure"],
    ["postinst", "abort-upgrade", "0.2.0"],
    ["postinst", "abort-remove"],
  ])("%s %s %s touches nothing", (script, ...args) => {
    expect(calls(script, ...args)).toEqual([]);
  });
});

describe("the runtime of each machine", () => {
  test.each(Object.keys(MACHINES) as Target[])(
    "%s is in the lock file with a checksum, in the version that builds",
    (target) => {
      const name = `node_modules/${MACHINES[target].runtimePackage}`;
      const packages: Readonly<Record<string, { readonly version?: string; readonly integrity?: string }>> =
        lock.packages;
      expect(packages[name]).toMatchObject({
        version: Bun.version,
        integrity: expect.stringMatching(/^sha512-/) as unknown,
      });
    },
  );

  test("is known by its ELF header", () => {
    const { elfMachine } = MACHINES[`linux-${process.arch}` as Target];
    expect(elfMachineOf(readFileSync(process.execPath))).toBe(elfMachine);
    expect(() => elfMachineOf(Buffer.from("#!/bin/sh\n"))).toThrow("not an ELF file");
  });

  test("that nobody builds for is refused", async () => {
    const { code, stderr } = await run(process.execPath, ["build/build.ts", "--target", "linux-mips"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "--target is linux-mips: expected linux-x64 or linux-arm64\n",
    });
  });
});

test("every package in the executable is named with its licence, and brings the text of it", () => {
  const copyright = copyrightText();
  for (const name of ["ioredis", "undici", "zod", "yargs", "pino", "big.js", "node-forge", "cli-table3"]) {
    expect(copyright).toMatch(new RegExp(`^  ${name} \\d+\\.\\d+\\.\\d+: \\S`, "m"));
  }
  expect(copyright).not.toMatch(/fast-check|typescript|knip/);
  expect(thirdPartyText().length).toBeGreaterThan(20_000);
});
