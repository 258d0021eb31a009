import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { runMigrateUsersCommand } from '../../src/cli/migrate-users/command.js';
import { runUsersCommand } from '../../src/cli/users/command.js';
import { compileErrors } from '../support/compile.js';

const page = await readFile(new URL('../../docs/users.md', import.meta.url), 'utf8');
const APP_MODULE = 'export class AppModule {}\n';

describe('docs/users.md', () => {
  it('shows code that compiles, if it is complete', async () => {
    const snippets = [...page.matchAll(/```ts\n(import [\s\S]*?)```/g)].map(([, code = '']) => code);
    expect(snippets).toHaveLength(1);
    const files = Object.fromEntries(snippets.map((code, at) => [`part-${at}.ts`, code]));
    expect(await compileErrors({ ...files, 'app.module.ts': APP_MODULE })).toBe('');
  });

  it('shows commands with valid arguments', async () => {
    const lines = [...page.matchAll(/^npx silent-auth (\S+) (.*?)(?: +#.*)?$/gm)];
    expect(lines.length).toBeGreaterThan(5);
    for (const [line, name, rest = ''] of lines) {
      const run = name === 'users' ? runUsersCommand : runMigrateUsersCommand;
      // With a wrong database address it fails only when it connects, so the arguments are valid.
      const outcome = run(rest.split(' '), { MONGODB_URI: 'nonsense' }).then(({ output }) => output, String);
      expect([line, await outcome]).toEqual([line, expect.stringContaining('MONGODB_URI is not a valid')]);
    }
  });
});
