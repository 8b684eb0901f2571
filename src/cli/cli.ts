/** The command line, as a factory: tests run it in-process. */

import yargs, { type Argv } from "yargs";
import { Failure, Refusal } from "../config/refusal.ts";
import { BY_HAND } from "../install/layout.ts";
import type { Command } from "./command.ts";
import { brain } from "./commands/brain.ts";
import { chaos } from "./commands/chaos.ts";
import { doctor } from "./commands/doctor.ts";
import { eew } from "./commands/eew.ts";
import { exchange } from "./commands/exchange.ts";
import { gate } from "./commands/gate.ts";
import { install } from "./commands/install.ts";
import { panic } from "./commands/panic.ts";
import { reset } from "./commands/reset.ts";
import { status } from "./commands/status.ts";
import { watchdog } from "./commands/watchdog.ts";
import { hostEnv } from "./installed-settings.ts";
import type { ExitCode, Io } from "./io.ts";
import { type Flags, text } from "./options.ts";
import { version } from "./version.ts";

const COMMANDS: readonly Command[] = [
  brain,
  watchdog,
  eew,
  chaos,
  exchange,
  status,
  panic,
  gate,
  reset,
  doctor,
  install,
];

/**
 * Runs one command line and gives its exit code (contract section 1). Never throws: whatever goes wrong becomes
 * one line on stderr.
 */
export async function runCli(argv: readonly string[], io: Io): Promise<ExitCode> {
  try {
    return await parse(argv, io);
  } catch (error) {
    io.err(`quantum: ${messageOf(error)}`);
    if (error instanceof Refusal) return 2;
    if (error instanceof Failure) return 1;
    io.err("quantum: this is a defect in quantum, please report it");
    await io.lastWords.tell?.(messageOf(error));
    return 1;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function parse(argv: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = 0;
  let printed = "";
  const cli = yargs()
    .scriptName("quantum")
    .locale("en")
    .usage("$0 <command>\n\nThe emergency exit for leveraged futures bots: notices, closes, halts, and proves it.")
    .parserConfiguration({
      "boolean-negation": false,
      "camel-case-expansion": false,
      "dot-notation": false,
    })
    .version(version())
    .alias({ h: "help", v: "version" })
    .completion("completion", "print a shell completion script")
    .strict()
    .demandCommand(1, "No command was given: expected one of those in quantum --help")
    .recommendCommands()
    .wrap(100)
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new Refusal(oneLine(message));
    });
  const [own, behindDashes] = atDashes(argv);
  const register = (to: Argv, command: Command): void => {
    to.command(
      command.usage,
      command.describe,
      (builder) => {
        describe(builder, command);
        for (const subcommand of command.subcommands ?? []) register(builder, subcommand);
      },
      async (flags) => {
        refuseVague(own, command);
        if (behindDashes !== null) refuseHidden(command);
        refuseRepeated(flags, command);
        code = await command.run(flags, withHostSettings(command, flags, io), behindDashes);
      },
    );
  };
  for (const command of COMMANDS) register(cli, command);
  await cli.parseAsync(own, {}, (_error, _flags, output) => {
    printed = output;
  });
  if (printed !== "") io.out(printed);
  return code;
}

/** The words before the first `--`, and those behind it: they are somebody else's, and nothing of ours looks at them. */
function atDashes(argv: readonly string[]): readonly [own: readonly string[], behind: readonly string[] | null] {
  const at = argv.indexOf("--");
  return at < 0 ? [argv, null] : [argv.slice(0, at), argv.slice(at + 1)];
}

function describe(builder: Argv, command: Command): void {
  for (const [name, options] of Object.entries(command.positionals ?? {})) builder.positional(name, options);
  for (const [example, meaning] of command.examples ?? []) builder.example(example, meaning);
  // Not for the commands below: what one of them takes it says itself.
  for (const [name, options] of Object.entries(command.options)) builder.option(name, { ...options, global: false });
}

/** A person who types a command on a host that has its settings in place need not say them again. */
function withHostSettings(command: Command, flags: Flags, io: Io): Io {
  const isElsewhere = text(flags, "redis-url") !== undefined || text(flags, "base-url") !== undefined;
  const wanted = isElsewhere ? "none" : (command.hostSettings?.(flags) ?? "none");
  const env = hostEnv(BY_HAND, io.env, { namespace: text(flags, "namespace"), wanted });
  return env === null ? io : { ...io, env };
}

/** yargs takes any value of a switch but "true" for false, and a drill that was meant for the sandbox would go live. */
function refuseVague(argv: readonly string[], { options }: Command): void {
  for (const [name, { type }] of Object.entries(options)) {
    const given = argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
    if (type === "boolean" && given !== undefined && given !== "true" && given !== "false") {
      throw new Refusal(`--${name} is ${JSON.stringify(given)}: expected true or false`);
    }
  }
}

function refuseHidden({ runsProgram }: Command): void {
  if (runsProgram !== true) throw new Refusal("-- would hide what comes after it: expected flags only");
}

/** Which of two values was meant is not ours to guess. */
function refuseRepeated(flags: Flags, { options }: Command): void {
  for (const [name, { array }] of Object.entries(options)) {
    if (Array.isArray(flags[name]) && array !== true)
      throw new Refusal(`--${name} is given more than once: expected it once`);
  }
}

/** yargs speaks in paragraphs; a refusal is one line. */
function oneLine(message: string): string {
  const line = message.replaceAll(/[.:?]?\s*\n\s*/g, ": ").replace(/\?$/, "");
  return `${line}. See quantum --help`;
}
