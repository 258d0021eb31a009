import type { TokenKind } from '../../tokens/keys/key-ring.js';
import type { KeyFile } from './key-file.js';
import {
  type KeyState,
  retiresSafelyFrom,
  signsSafelyFrom,
  stateOf,
  type Step,
  type Timing,
} from './lifecycle.js';
import { historyOf, type StoredKey } from './stored-key.js';

const DONE: Record<string, string> = {
  generate: 'generated',
  rotate: 'rotated',
  retire: 'retired',
};
const DOES: Record<KeyState, string> = {
  signing: 'signs and verifies',
  waiting: 'verifies, does not sign yet',
  replaced: 'verifies, no longer signs',
};

/** Describes the result of a step, and the next steps. */
export function describeStep(
  kind: TokenKind,
  command: string,
  file: KeyFile,
  step: Step,
  timing: () => Timing,
): string {
  if (step.outcome === 'refused') {
    const hint = step.canBeForced ? ' (use --force to do it anyway)' : '';
    return lines([`${kind} (${file.path})`, `  refused: ${step.why}. Nothing was changed${hint}`]);
  }
  const ids = step.about.map(({ kid, alg }) => `${kid} ${alg}`);
  const what = command === 'rotate' ? `${ids[0]} now signs instead of ${ids[1]}` : ids.join(', ');
  return lines([
    `${kind} (${file.path})`,
    `  ${DONE[command]}: ${what}`,
    ...nextSteps(kind, step.keys, timing),
  ]);
}

/** Describes the keys, the state of each and since when, and the next steps. */
export function describeKeys(
  kind: TokenKind,
  path: string,
  keys: readonly StoredKey[],
  timing: () => Timing,
): string {
  if (keys.length === 0)
    return lines([`${kind} (${path})`, '  no keys yet', `  next: silent-auth keys generate ${kind}`]);
  const rows = keys.map((key) => {
    const { knownSince, signsSince, signedUntil } = historyOf(key);
    const since = signedUntil ?? signsSince ?? knownSince;
    return `  ${key.kid} ${key.alg}: ${DOES[stateOf(keys, key)]} since ${since}`;
  });
  return lines([`${kind} (${path})`, ...rows, ...nextSteps(kind, keys, timing)]);
}

function nextSteps(kind: TokenKind, keys: readonly StoredKey[], timing: () => Timing): string[] {
  const waiting = keys.find((key) => stateOf(keys, key) === 'waiting');
  const replaced = keys.filter((key) => stateOf(keys, key) === 'replaced');
  const steps: string[] = [];
  if (waiting) {
    const from = when(signsSafelyFrom(waiting, timing()), timing());
    steps.push(
      `  next: silent-auth keys rotate ${kind}     ${from}, after every process has logged keys.changed with ${waiting.kid}`,
    );
  }
  for (const key of replaced) {
    const from = retiresSafelyFrom(key, timing());
    if (from)
      steps.push(
        `  next: silent-auth keys retire ${kind}     ${when(from, timing())}, when all tokens of ${key.kid} have expired`,
      );
  }
  return steps;
}

function when(from: Date, { now }: Timing): string {
  const seconds = Math.ceil((from.getTime() - now.getTime()) / 1000);
  return seconds <= 0 ? 'at any time' : `from ${from.toISOString()} (in ${inWords(seconds)})`;
}

/** The two largest units: `6 d 23 h`. */
function inWords(seconds: number): string {
  const units: [string, number][] = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ];
  const parts: string[] = [];
  let rest = seconds;
  for (const [name, size] of units) {
    const count = Math.floor(rest / size);
    rest %= size;
    if (count > 0) parts.push(`${count} ${name}`);
  }
  return parts.slice(0, 2).join(' ');
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
