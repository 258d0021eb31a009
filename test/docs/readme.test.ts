import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { compileErrors } from '../support/compile.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const readme = await readFile(join(ROOT, 'README.md'), 'utf8');

describe('README', () => {
  it('stays short enough to read in one go', () => {
    const lines = readme.split('\n').filter((line) => !/^\[[^\]]+\]: /.test(line));
    expect(lines.length).toBeLessThan(170);
  });

  it('has only absolute links, because npm shows it without the repository, and each leads to a file', () => {
    const targets = [...readme.matchAll(/(?:\]\(|^\[[^\]]+\]: )([^)\s]+)/gm)].map(
      ([, target = '']) => target,
    );
    expect(targets.length).toBeGreaterThan(20);
    const files = targets.map((target) =>
      /^https:\/\/(?:github\.com|raw\.githubusercontent\.com)\/[\w-]+\/[\w-]+\/(?:blob\/)?main\/([^#]+)/.exec(
        target,
      ),
    );
    expect(targets.filter((_, index) => files[index] === null)).toEqual([]);
    expect(files.filter((found) => !existsSync(join(ROOT, found?.[1] ?? '')))).toEqual([]);
  });

  it('shows an application that compiles', async () => {
    const snippet = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    expect(snippet).toContain("from 'nestjs-silent-auth'");
    expect(await compileErrors({ 'app.ts': snippet })).toBe('');
  });
});

describe('Getting started', () => {
  it('shows an application and probes that compile', async () => {
    const page = await readFile(join(ROOT, 'docs/getting-started.md'), 'utf8');
    const [app = '', health = ''] = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
    expect(app).toContain('bootstrap');
    expect(health).toContain('HealthController');
    expect(await compileErrors({ 'app.ts': app, 'health.controller.ts': health })).toBe('');
  });
});
