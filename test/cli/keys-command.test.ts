import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CommandResult } from '../../src/cli/command-line.js';
import { runKeysCommand } from '../../src/cli/keys/command.js';
import { ALGORITHMS } from '../../src/cli/keys/make-key.js';
import { checkOptions, describeKey } from '../../src/index.js';

const MINUTE = 60_000;
const DAY = 86_400_000;
const START = Date.parse('2026-01-01T00:00:00Z');

let dir: string;
let now: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'silent-auth-keys-'));
  now = START;
});
afterEach(() => rmSync(dir, { recursive: true }));

const path = (kind: string) => join(dir, `${kind}.json`);
const environment = (over: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  JWT_ACCESS_KEYS: `file:${path('access')}`,
  JWT_REFRESH_KEYS: `file:${path('refresh')}`,
  NODE_ENV: 'production',
  ...over,
});
const run = (line: string, over?: NodeJS.ProcessEnv): CommandResult =>
  runKeysCommand(line.split(' ').filter(Boolean), environment(over), new Date(now));
const done = (line: string, over?: NodeJS.ProcessEnv): string => {
  const { exitCode, output } = run(line, over);
  expect({ exitCode, output }).toEqual({ exitCode: 0, output: expect.any(String) });
  return output;
};
const refused = (line: string, over?: NodeJS.ProcessEnv): string => {
  const before = snapshot();
  const { exitCode, output } = run(line, over);
  expect({ exitCode, output }).toEqual({ exitCode: 1, output: expect.stringContaining('refused') });
  expect(snapshot()).toEqual(before);
  return output;
};
const snapshot = () => readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'utf8')]);
const kids = (kind = 'access'): string[] =>
  JSON.parse(readFileSync(path(kind), 'utf8')).keys.map(({ kid }: { kid: string }) => kid);

describe(runKeysCommand.name, () => {
  it('creates both files at the first start: keys that the service accepts, readable only by their owner', () => {
    done('generate');
    for (const kind of ['access', 'refresh']) {
      expect(statSync(path(kind)).mode & 0o777).toBe(0o600);
      expect(kids(kind)).toHaveLength(1);
    }
    const [access, refresh] = ['access', 'refresh'].map(
      (kind) => JSON.parse(readFileSync(path(kind), 'utf8')).keys,
    );
    expect(checkOptions({ issuer: 'https://api.example.com', keys: { access, refresh } })).toEqual([]);
    expect(readdirSync(dir).sort()).toEqual(['access.json', 'refresh.json']);
  });

  it('guides a key through its life, allowing each phase when it is safe', () => {
    done('generate');
    const [first] = kids();
    expect(done('generate access')).toContain('in 10 min');
    const [, second] = kids();
    expect(kids()).toEqual([first, second]);

    now += 10 * MINUTE - 1;
    expect(refused('rotate access')).toContain(`some processes may not have ${second}`);
    now += 1;
    expect(done('rotate access')).toContain(`${second} HS256 now signs instead of ${first} HS256`);
    expect(kids()).toEqual([second, first]);

    // The last process may sign with the old key until it learns of the change, and that token then lasts its
    // lifetime.
    now += 10 * MINUTE + 15 * MINUTE - 1;
    expect(refused('retire access')).toContain(`tokens of ${first} may be valid until`);
    now += 1;
    expect(done('retire access')).toContain(`retired: ${first}`);
    expect(kids()).toEqual([second]);
  });

  it('knows how long refresh tokens last: the idle lifetime, or the absolute one if that is shorter', () => {
    done('generate');
    done('generate refresh --force');
    now += 10 * MINUTE;
    done('rotate refresh');
    now += 10 * MINUTE + DAY;
    expect(refused('retire refresh')).toContain('may be valid until');
    expect(refused('retire refresh', { REFRESH_IDLE_TTL: '2d' })).toContain('may be valid until');
    const shorter = { REFRESH_IDLE_TTL: '2d', REFRESH_ABSOLUTE_TTL: '1d' };
    expect(done('retire refresh', shorter)).toContain('retired');
  });

  it('waits for the given propagation time', () => {
    done('generate');
    done('generate access');
    now += 4_999;
    refused('rotate access --propagation 5s');
    now += 1;
    done('rotate access --propagation 5s');
    now += 6_999;
    refused('retire access --propagation 5s', { ACCESS_TOKEN_TTL: '2s' });
    now += 1;
    done('retire access --propagation 5s', { ACCESS_TOKEN_TTL: '2s' });
  });

  it('allows each step at once with --force, but never leaves a kind of token without a key', () => {
    done('generate');
    done('generate access');
    const [first, second] = kids();
    done('rotate access --force');
    done('retire access --force');
    expect(kids()).toEqual([second]);
    expect(refused(`retire access --kid ${second} --force`)).toContain('only key');
    expect(refused(`retire access --kid ${first}`)).toContain('there is no key');
  });

  it('does not retire a key that signs, unless forced', () => {
    done('generate');
    done('generate access');
    const [first, second] = kids();
    expect(refused(`retire access --kid ${first}`)).toContain(`${first} signs: rotate`);
    done(`retire access --kid ${first} --force`);
    expect(kids()).toEqual([second]);
    expect(done('list access')).toContain(`${second} HS256: signs and verifies`);
  });

  it('retires a key that never signed at once, and can return to one that did', () => {
    done('generate');
    done('generate access');
    const [first, second] = kids();
    expect(refused('generate access')).toContain(`${second} is already waiting to sign`);
    done(`retire access --kid ${second}`);
    expect(kids()).toEqual([first]);
    done('generate access');
    const third = kids()[1];
    now += 10 * MINUTE;
    done('rotate access');
    done(`rotate access --kid ${first}`);
    expect(kids()).toEqual([first, third]);
    expect(refused('retire access')).toContain(`tokens of ${third} may be valid until`);
  });

  it('keeps a second key written by hand, because it may have signed until now', () => {
    const [old, other] = [randomBytes(48), randomBytes(48)].map((bytes) => bytes.toString('base64url'));
    writeFileSync(path('access'), JSON.stringify({ keys: [old, { kty: 'oct', k: other }] }));
    utimesSync(path('access'), new Date(now), new Date(now));
    done('generate refresh');
    const stranger = describeKey({ kty: 'oct', k: other });
    expect(refused('retire access')).toContain('may be valid until 2026-01-01T00:25:00.000Z');
    now += 25 * MINUTE;
    done('retire access');
    // The secret is the same key as before, now under the id that its tokens name.
    expect([describeKey(old ?? '')]).toEqual([expect.objectContaining({ kid: kids()[0] })]);
    expect(kids()).not.toContain((stranger as { kid: string }).kid);
    expect(describeKey(JSON.parse(readFileSync(path('access'), 'utf8')).keys[0])).toEqual(
      describeKey(old ?? ''),
    );
  });

  it.each(ALGORITHMS)('creates a key of %s that the service accepts', (alg) => {
    done('generate');
    done(`generate access --alg ${alg}`);
    const [, made] = JSON.parse(readFileSync(path('access'), 'utf8')).keys;
    expect(describeKey(made)).toEqual({ kid: made.kid, alg, canSign: true });
  });

  it('keeps the algorithm of the signing key', () => {
    done('generate --alg ES256');
    expect(done('generate access')).toContain(`${kids()[1]} ES256`);
  });

  it('keeps a link and the rights of a group, and removes those of everybody', () => {
    done('generate');
    const real = join(dir, 'real.json');
    writeFileSync(real, readFileSync(path('access')));
    rmSync(path('access'));
    symlinkSync(real, path('access'));
    chmodSync(real, 0o644);
    done('generate access');
    expect(statSync(real).mode & 0o777).toBe(0o640);
    expect(JSON.parse(readFileSync(real, 'utf8')).keys).toHaveLength(2);
  });

  it('changes the development keys of a service without a configuration', () => {
    const development = {
      NODE_ENV: undefined,
      JWT_ACCESS_KEYS: undefined,
      JWT_REFRESH_KEYS: undefined,
      DATA_DIR: dir,
    };
    done('generate', development);
    done('generate access', development);
    const { access, refresh } = JSON.parse(readFileSync(join(dir, 'development-keys.json'), 'utf8'));
    expect([access.length, refresh.length]).toEqual([2, 1]);
  });

  it('prevents a second process from writing at the same time', () => {
    done('generate');
    writeFileSync(`${path('access')}.new`, '');
    const before = readFileSync(path('access'));
    expect(run('generate access')).toEqual({ exitCode: 2, output: expect.stringContaining('another run') });
    expect(readFileSync(path('access'))).toEqual(before);
    expect(existsSync(`${path('access')}.new`)).toBe(true);
  });

  it.each<[string, string, NodeJS.ProcessEnv]>([
    ['frobnicate', "no command 'frobnicate'", {}],
    ['generate session', "'session' is not a kind of key", {}],
    ['generate access now', "unexpected argument 'now'", {}],
    ['generate --alg EdDSA', "'EdDSA' is not supported", {}],
    ['generate --kdi x', '--kdi', {}],
    ['retire --kid x', '--kid needs the kind', {}],
    ['rotate --propagation soon', '--propagation needs a duration', {}],
    ['generate', 'JWT_ACCESS_KEYS is not set', { JWT_ACCESS_KEYS: undefined }],
    ['generate', 'JWT_ACCESS_KEYS contains keys', { JWT_ACCESS_KEYS: 'q8Zr-4kT2mXw9pLc7vBn5sHd3gFj1aYw' }],
    ['generate access', 'cannot be read as JSON', { JWT_ACCESS_KEYS: 'package.json,' }],
  ])('says what is wrong, and writes nothing: %s → %s', (line, why, over) => {
    if (why.includes('JSON')) {
      writeFileSync(path('access'), '{"keys":');
      over = {};
    }
    const before = snapshot();
    expect(run(line, over)).toEqual({ exitCode: 2, output: expect.stringContaining(why) });
    expect(snapshot()).toEqual(before);
  });

  it('never writes keys that the service would refuse', () => {
    done('generate');
    const [access] = JSON.parse(readFileSync(path('access'), 'utf8')).keys;
    writeFileSync(path('refresh'), JSON.stringify({ keys: [access] }));
    const before = snapshot();
    expect(run('generate refresh')).toEqual({
      exitCode: 2,
      output: expect.stringContaining('equals an access key'),
    });
    expect(snapshot()).toEqual(before);
  });

  it('shows no secret', () => {
    done('generate');
    const { k } = JSON.parse(readFileSync(path('access'), 'utf8')).keys[0];
    for (const line of ['list', 'generate access', 'rotate', 'retire'])
      expect(run(line).output).not.toContain(k.slice(0, 12));
    expect(done('--help')).toContain('silent-auth keys');
  });
});
