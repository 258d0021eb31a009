import { parseArgs, type ParseArgsConfig } from 'node:util';

export interface CommandResult {
  readonly exitCode: number;
  readonly output: string;
  /** Whether the output goes to stdout. @default true with exit code 0 */
  readonly isAnswer?: boolean;
}

/** The arguments of a command are wrong; the message says why. */
export class UsageError extends Error {}

export function asksForHelp(argv: readonly string[]): boolean {
  return argv.some((argument) => ['help', '--help', '-h'].includes(argument));
}

/** @throws UsageError */
export function parseArguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

export function isOneOf<T extends string>(list: readonly T[], text: string): text is T {
  return (list as readonly string[]).includes(text);
}

export function wrongUsage(problem: string, usage: string): CommandResult {
  return { exitCode: 2, output: `${problem}\n\n${usage}` };
}

/** Prints the result and lets the process end with its exit code. */
export function finish({ exitCode, output, isAnswer = exitCode === 0 }: CommandResult): void {
  (isAnswer ? process.stdout : process.stderr).write(output);
  process.exitCode = exitCode;
}
