/** The units as systemd sees them. */

import { must } from "../../faults/case.ts";
import { counted, type SystemdCase } from "../case.ts";
import { BRAIN, PROTECTORS, properties, UNITS } from "../units.ts";

/** The most that a protector may be exposed, on systemd's scale from 0 to 10. */
const EXPOSURE_MAX = 1.5;

export const UNIT_CASES: readonly SystemdCase[] = [
  {
    name: "units",
    caused: "deployed and started; systemctl status, systemctl is-system-running",
    holds: "the three units are active, and the machine is running",
    run: async ({ machine }) => {
      for (const unit of UNITS) {
        const { code, stdout } = await machine.type(`systemctl status --no-pager ${unit}`);
        must(
          code === 0 && stdout.includes("active (running)"),
          `systemctl status ${unit} ended with ${code}:\n${stdout}`,
        );
      }
      const state = (await machine.type("systemctl is-system-running")).stdout.trim();
      must(state === "running", `systemctl is-system-running says ${state}`);
      return [];
    },
  },
  {
    name: "check-up",
    caused: "systemctl start quantum-doctor, as its timer does every day; then again with Redis stopped",
    holds: "it finds everything fit, then it does not, and its unit says so",
    run: async ({ machine }) => {
      await machine.must("systemctl start quantum-doctor");
      await machine.must("systemctl stop redis-server");
      const { code } = await machine.type("systemctl start quantum-doctor");
      const { Result, ExecMainStatus } = await properties(
        machine,
        "quantum-doctor.service",
        "Result",
        "ExecMainStatus",
      );
      must(code !== 0 && Result === "exit-code", `without Redis it ended with ${Result}`);
      must(ExecMainStatus === "1", `without Redis it exited with ${ExecMainStatus}`);
      await machine.must("systemctl start redis-server && systemctl reset-failed quantum-doctor");
      return [];
    },
  },
  {
    name: "exposure",
    caused: "systemd-analyze security, inside the machine",
    holds: `watchdog and worker are exposed by ${EXPOSURE_MAX} at most`,
    run: async ({ machine }) => {
      const exposed = async (unit: string): Promise<number> => {
        const shown = await machine.must(`systemd-analyze security --no-pager ${unit}`);
        return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(shown)?.[1] ?? Number.NaN);
      };
      const figures = PROTECTORS.map(async (unit) => counted(unit, await exposed(unit), EXPOSURE_MAX));
      return await Promise.all([...figures, exposed(BRAIN).then((value) => counted(BRAIN, value))]);
    },
  },
];
