import { checkPolicy, problemLine } from "../../config/policy.ts";
import { coloursWanted, type ExitCode, type Io } from "../io.ts";
import { type Flags, isSet, text } from "../options.ts";
import { policyDocument, problemsDocument, renderPolicy } from "../render-policy.ts";

/** Runs `quantum brain --check-policy`: exit 0 with the policy in words, 2 with everything that is wrong with it. */
export function checkPolicyFile(flags: Flags, io: Io): ExitCode {
  const path = text(flags, "policy") ?? "";
  const reading = checkPolicy(path);
  const forMachines = isSet(flags, "json");
  if (reading.ok) {
    const { policy } = reading;
    io.out(forMachines ? JSON.stringify(policyDocument(path, policy)) : renderPolicy(path, policy, coloursWanted(io)));
    return 0;
  }
  if (forMachines) io.out(JSON.stringify(problemsDocument(path, reading.problems)));
  else for (const problem of reading.problems) io.err(`quantum: ${problemLine(path, problem)}`);
  return 2;
}
