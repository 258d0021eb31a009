import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectRegistry, npm } from '../package/fresh-host.js';
import { databaseUri } from '../support/database.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const INSTALLED_WITHIN_MS = 150_000;
const page = await readFile(join(ROOT, 'docs/telemetry.md'), 'utf8');

interface Span {
  readonly name: string;
  readonly id: string;
  readonly trace: string;
  readonly parent: string | null;
  readonly attributes: Record<string, unknown>;
}

describe('docs/telemetry.md', () => {
  let folder: string;
  let spans: Span[];
  let refreshToken: string;

  beforeAll(async () => {
    await expectRegistry('@opentelemetry/sdk-node');
    folder = await mkdtemp(join(tmpdir(), 'silent-auth-telemetry-'));
    await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
    const packages = page.match(/@opentelemetry\/[\w-]+@[\d.]+/g) ?? [];
    expect(packages).toHaveLength(4);
    // The exporter that keeps spans in memory is among their dependencies.
    await npm(folder, 'install', '--ignore-scripts', '--prefer-offline', ...packages);
    await writeFile(join(folder, 'telemetry.mjs'), keepingSpans());

    const secret = () => randomBytes(48).toString('base64url');
    const env = {
      ...process.env,
      MONGODB_URI: databaseUri('telemetry'),
      JWT_ACCESS_KEY: secret(),
      JWT_REFRESH_KEY: secret(),
    };
    const host = join(ROOT, 'test/fixtures/telemetry/host.mjs');
    const command = ['--import', join(folder, 'telemetry.mjs'), host];
    const { stdout } = await promisify(execFile)(process.execPath, command, { env, maxBuffer: 2 ** 25 });
    ({ spans, refreshToken } = JSON.parse(stdout));
  }, INSTALLED_WITHIN_MS);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** The page's own file, with an exporter that keeps spans in memory. */
  function keepingSpans(): string {
    const [, code = ''] = /```js\n\/\/ telemetry\.mjs\n([\s\S]*?)```/.exec(page) ?? [];
    const [start, rest] = code.split("  serviceName: 'auth',\n");
    return [
      "import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';",
      start,
      '  spanProcessors: [new SimpleSpanProcessor((globalThis.exporter = new InMemorySpanExporter()))],',
      rest,
    ].join('\n');
  }

  it('one trace connects a refresh with each of its commands', () => {
    const request = spans.find(({ attributes }) => attributes['url.path'] === '/auth/refresh');
    expect(request).toMatchObject({ parent: null, attributes: { 'http.request.method': 'POST' } });
    const within = spans.filter(({ trace, parent }) => trace === request?.trace && parent === request?.id);
    const commands = within.map(({ attributes }) => attributes['db.operation.name']);
    expect(commands).toEqual(expect.arrayContaining(['find', 'findAndModify']));
  });

  it('no trace contains a token, an address or a hash', () => {
    const text = JSON.stringify(spans);
    expect(text).toContain('"?');
    for (const secret of [refreshToken, refreshToken.split('.')[2], 'ada@example.com', '$2b$'])
      expect(text).not.toContain(secret);
  });
});
