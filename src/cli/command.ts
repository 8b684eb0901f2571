import type { PositionalOptions } from "yargs";
import type { HostSettings } from "./installed-settings.ts";
import type { ExitCode, Io } from "./io.ts";
import type { Flags, OptionSet } from "./options.ts";

/** A command is three things: words, options, one call. */
export interface Command {
  /** As yargs reads it: the name, then positionals such as `[drill]`. */
  readonly usage: string;
  readonly describe: string;
  readonly options: OptionSet;
  readonly positionals?: Readonly<Record<string, PositionalOptions>>;
  /** What the command takes from the settings of this host where nothing else says it; not set: nothing. */
  readonly hostSettings?: (flags: Flags) => HostSettings;
  readonly examples?: readonly (readonly [command: string, meaning: string])[];
  /** Commands below this one, such as `quantum brain guard`. They take their own options, none of this one's. */
  readonly subcommands?: readonly Command[];
  /** Behind `--` stands the command line of another program; not set: nothing may stand there. */
  readonly runsProgram?: boolean;
  /**
   * Loads what the command needs only now, so that `--help` stays quick.
   *
   * @param behindDashes the words behind the first `--`, as they were typed; null if there was none.
   */
  run(flags: Flags, io: Io, behindDashes: readonly string[] | null): Promise<ExitCode>;
}
