import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(ROOT, '.github/workflows');

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly file: string;
  readonly text: string;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const workflows: readonly Workflow[] = readdirSync(FOLDER).map((file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  return { ...parse(text), file, text };
});
const jobs = workflows.flatMap(({ file, jobs }) =>
  Object.entries(jobs).map(([name, job]) => ({ name: `${file}: ${name}`, ...job })),
);
const steps = jobs.flatMap(({ name, steps }) => steps.map((step) => ({ job: name, ...step })));
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

describe('the workflows', () => {
  it('reference each action by a full commit and its version, always the same one', () => {
    const used = workflows.flatMap(({ file, text }) =>
      [...text.matchAll(/^\s*(?:- )?uses: (.*)$/gm)].map(([, action = '']) => ({ file, action })),
    );
    expect(used).toHaveLength(steps.filter(({ uses }) => uses !== undefined).length);
    expect(used.filter(({ action }) => !/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action))).toEqual([]);
    const commits = new Set(used.map(({ action }) => action));
    const actions = new Set(used.map(({ action }) => action.split('@', 1)[0]));
    expect(commits.size).toBe(actions.size);
  });

  it('may only read the sources, except where writing is their task', () => {
    for (const { file, permissions } of workflows)
      expect([file, permissions]).toEqual([file, { contents: 'read' }]);
    const writing = jobs.flatMap(({ name, permissions = {} }) =>
      Object.entries(permissions).flatMap(([scope, access]) =>
        access === 'write' ? `${name}: ${scope}` : [],
      ),
    );
    expect(writing.sort()).toEqual([
      'codeql.yml: analyze: security-events',
      'release.yml: announce: contents',
      'release.yml: publish: id-token',
      'release.yml: version: contents',
      'release.yml: version: pull-requests',
    ]);
  });

  it('have a time limit', () => {
    expect(jobs.filter((job) => !(Number(job['timeout-minutes']) > 0)).map(({ name }) => name)).toEqual([]);
  });

  it('leave no credentials in the work tree', () => {
    const checkouts = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
    expect(checkouts.filter((step) => step.with?.['persist-credentials'] !== false)).toEqual([]);
  });

  it('put no text of others into a command', () => {
    expect(steps.filter(({ run }) => run?.includes('${{ github.event'))).toEqual([]);
  });

  it('call scripts that exist', () => {
    const called = steps.flatMap(({ run = '' }) =>
      [...run.matchAll(/npm (?:run )?(test|(?<=run )[\w:]+)/g)].map(([, name = '']) => name),
    );
    expect(called).toEqual(
      expect.arrayContaining(['test', 'changeset:status', 'check:licences', 'release:pack']),
    );
    expect(called.filter((name) => !(name in scripts))).toEqual([]);
    expect(existsSync(join(ROOT, '.ci/run'))).toBe(true);
  });

  it('publish with provenance, in a job that runs nothing of the repository', () => {
    const publish = jobs.find(({ name }) => name === 'release.yml: publish');
    const actions = publish?.steps.flatMap(({ uses }) => uses?.split('@', 1)[0] ?? []);
    expect(actions).toEqual(['actions/setup-node', 'actions/download-artifact']);
    const commands = publish?.steps.flatMap(({ run }) => run ?? []).join('\n');
    expect(commands).toContain('npm publish "./release/$name-$VERSION.tgz" --provenance');
    expect(commands).not.toMatch(/npm (?:ci|install|run)|node /);
  });
});

describe('.github/dependabot.yml', () => {
  const { updates } = parse(readFileSync(join(ROOT, '.github/dependabot.yml'), 'utf8'));
  interface Update {
    readonly 'package-ecosystem': string;
    readonly directory?: string;
    readonly directories?: readonly string[];
  }

  it('updates packages, examples, actions and images in all their folders', () => {
    const MANIFESTS: Readonly<Record<string, string>> = {
      npm: 'package.json',
      'github-actions': '.github/workflows',
      docker: 'Dockerfile',
      'docker-compose': 'docker-compose.yml',
    };
    const looked = updates.flatMap((update: Update) =>
      [...(update.directories ?? [update.directory ?? ''])]
        .filter((folder) => !folder.endsWith('*'))
        .map((folder) => join(folder.slice(1), MANIFESTS[update['package-ecosystem']] ?? 'unknown')),
    );
    expect(looked.filter((path: string) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(new Set(updates.map((update: Update) => update['package-ecosystem']))).toEqual(
      new Set(Object.keys(MANIFESTS)),
    );
  });
});
