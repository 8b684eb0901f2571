import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";

/** Whether a program can be started by this name: a path if there is a slash in it, else one of the folders of `PATH`. */
export function isProgram(name: string, searchPath: string): boolean {
  if (name.includes("/")) return isExecutable(name);
  return searchPath.split(":").some((folder) => isExecutable(join(folder === "" ? "." : folder, name)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
