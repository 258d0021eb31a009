import { parseDuration } from '../../core/duration.js';
import { ConfigurationError } from '../../options/option-reader.js';
import type { TokenKind } from '../../tokens/keys/key-ring.js';
import { KeyFileError } from '../../tokens/keys/key-set.js';
import {
  asksForHelp,
  type CommandResult,
  isOneOf,
  parseArguments,
  UsageError,
  wrongUsage,
} from '../command-line.js';
import { describeKeys, describeStep } from './key-report.js';
import { KeyStore } from './key-store.js';
import { generate, retire, rotate, type Step, type Timing } from './lifecycle.js';
import { ALGORITHMS, makeKey } from './make-key.js';
import { newStoredKey, type StoredKey } from './stored-key.js';

const USAGE = `silent-auth keys [command] [access|refresh] [options]     both kinds by default

  list        shows the keys, their states, and the next steps (the default)
  generate    adds a key that verifies but does not sign yet; creates the file if needed
  rotate      makes the new key sign; the old one still verifies
  retire      removes keys whose last token has expired

  --alg ALG            algorithm of a new key: ${ALGORITHMS.slice(0, 3).join(', ')},
                       ${ALGORITHMS.slice(3).join(', ')}
                       [default: that of the signing key, or HS256]
  --kid KID            the key to rotate to, or to retire
  --propagation TIME   time until every process and every cache of the key set has a change [default: 10m]
  --force              takes a step before it is safe: users may be logged out, or services may refuse valid tokens

JWT_ACCESS_KEYS and JWT_REFRESH_KEYS name the files, such as file:keys/access.json. Set ACCESS_TOKEN_TTL, REFRESH_IDLE_TTL and
REFRESH_ABSOLUTE_TTL if your lifetimes differ from the defaults. An application reads a file with readKeySet, and applies a
changed one with KeyRing.replace; the reference service does so within seconds.
`;

/** Enough for the five minutes that key sets are cached, and for copying files to other machines. */
const PROPAGATION = '10m';
const COMMANDS = ['list', 'generate', 'rotate', 'retire'] as const;
type Command = (typeof COMMANDS)[number];

interface Arguments {
  readonly command: Command;
  readonly kinds: readonly TokenKind[];
  readonly alg: string | undefined;
  readonly kid: string | null;
  readonly propagationMs: number;
  readonly force: boolean;
}

/** Exit code 1: the step was refused for every kind of token. Exit code 2: the command cannot run. */
export function runKeysCommand(argv: string[], variables: NodeJS.ProcessEnv, now: Date): CommandResult {
  try {
    if (asksForHelp(argv)) return { exitCode: 0, output: USAGE };
    const given = readArguments(argv);
    const store = new KeyStore(variables);
    const results = given.kinds.map((kind) => runFor(kind, given, store, now));
    const exitCode = results.some(({ isDone }) => isDone) ? 0 : 1;
    return { exitCode, output: results.map(({ text }) => text).join('\n') };
  } catch (error) {
    if (error instanceof UsageError) return wrongUsage(error.message, USAGE);
    if (error instanceof KeyFileError || error instanceof ConfigurationError)
      return { exitCode: 2, output: `${error.message}\n` };
    throw error;
  }
}

function runFor(kind: TokenKind, given: Arguments, store: KeyStore, now: Date) {
  const file = store.file(kind);
  // Computed only when needed: without keys the lifetimes are not read.
  const timing = (): Timing => ({
    now,
    propagationMs: given.propagationMs,
    lifetimeMs: store.lifetimeMs(kind),
  });
  if (given.command === 'list')
    return { isDone: true, text: describeKeys(kind, file.path, file.read(), timing) };
  let step: Step = { outcome: 'refused', why: 'nothing was done', canBeForced: false };
  file.update((keys) => {
    step = take(given, keys, now, timing);
    if (step.outcome === 'refused') return null;
    const problems = store.problems(kind, step.keys);
    if (problems.length > 0) throw new ConfigurationError(problems);
    return step.keys;
  });
  return {
    isDone: (step as Step).outcome === 'done',
    text: describeStep(kind, given.command, file, step, timing),
  };
}

function take(given: Arguments, keys: StoredKey[], now: Date, timing: () => Timing): Step {
  switch (given.command) {
    case 'generate': {
      const made = newStoredKey(makeKey(given.alg ?? keys[0]?.alg ?? 'HS256'), now);
      return generate(keys, made, now, given.force);
    }
    case 'rotate':
      return rotate(keys, given, timing());
    case 'retire':
    case 'list':
      return retire(keys, given, timing());
  }
}

function readArguments(argv: string[]): Arguments {
  const { values, positionals } = parseArguments({
    args: argv,
    allowPositionals: true,
    options: {
      alg: { type: 'string' },
      kid: { type: 'string' },
      propagation: { type: 'string', default: PROPAGATION },
      force: { type: 'boolean', default: false },
    },
  });
  const [command = 'list', kind, ...rest] = positionals;
  if (!isOneOf(COMMANDS, command)) throw new UsageError(`there is no command '${command}'`);
  if (kind !== undefined && kind !== 'access' && kind !== 'refresh')
    throw new UsageError(`'${kind}' is not a kind of key: use access or refresh`);
  if (rest.length > 0) throw new UsageError(`unexpected argument '${rest.join(' ')}'`);
  if (values.alg !== undefined && !ALGORITHMS.includes(values.alg))
    throw new UsageError(`'${values.alg}' is not supported: use one of ${ALGORITHMS.join(', ')}`);
  if (values.kid !== undefined && kind === undefined)
    throw new UsageError('--kid needs the kind of the key: access or refresh');
  const propagationMs = parseDuration(values.propagation);
  if (propagationMs === null) throw new UsageError("--propagation needs a duration such as '10m'");
  return {
    command,
    kinds: kind === undefined ? ['access', 'refresh'] : [kind],
    alg: values.alg,
    kid: values.kid ?? null,
    propagationMs,
    force: values.force,
  };
}
