import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { DatabaseHealth } from '../../src/database/database-health.js';
import { AuthService, DoctorService, SecurityReportService } from '../../src/index.js';
import { HostApp } from '../support/host-app.js';
import { anotherSession, newSession, PASSWORD, refreshed, sessionOf } from '../support/http.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const page = await readFile(join(ROOT, 'docs/databases.md'), 'utf8');
const SOURCES = ['database', 'tokens', 'revocation', 'audit', 'throttle', 'users'];
/** Fields that the driver adds to every command. */
const OF_THE_DRIVER = ['$db', '$clusterTime', '$readPreference'];

/** The names in the table rows of a kind. */
function named(kind: string): string[] {
  const rows = [...page.matchAll(new RegExp(`^\\| ${kind} +\\|([^|]*)\\|`, 'gm'))].map(
    ([, used = '']) => used,
  );
  return rows.flatMap((used) => [...used.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)).sort();
}

const operatorsOnPage = () =>
  ['query operators', 'update operators', 'aggregation stages'].flatMap(named).sort();

/** Every key of a command, at any depth. */
function keysOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)]);
}

const distinct = (names: string[]) => [...new Set(names)].sort();

describe('docs/databases.md', () => {
  let commands: HostApp['commands'];

  beforeAll(async () => {
    const host = await HostApp.start('express', { throttle: {}, doctor: true, sessions: { maxPerUser: 3 } });
    ({ commands } = host);
    const api = host.api();
    const first = await newSession(api);
    const second = await anotherSession(api, first.email, { deviceId: 'phone' });
    await api.login({ email: first.email, password: 'seven-Otters-cross-the-road' });
    const next = await refreshed(api, await refreshed(api, second));
    await api.me(next.accessToken);
    await api.send('GET', '/auth/sessions', { token: next.accessToken });
    const body = { currentPassword: PASSWORD, newPassword: 'eleven-Herons-leave-the-pond' };
    const changed = sessionOf(await api.post('/auth/change-password', body, { token: next.accessToken }));
    await api.logout({ body: { refreshToken: changed.refreshToken ?? '' }, token: changed.accessToken });
    await host.app.get(AuthService).disableUser(first.userId);
    await host.app.get(DoctorService).atBoot;
    await host.app.get(SecurityReportService).report();
    // The doctor sends this if a collection is missing.
    await host.app.get(DatabaseHealth, { strict: false }).collections();
    await host.commandsSettled();
    await host.stop();
  });

  it('names exactly the commands that an application sends', () => {
    const sent = commands.map(({ commandName }) => commandName).filter((name) => name !== 'dropDatabase');
    expect(distinct(sent)).toEqual(named('commands'));
  });

  it('names exactly the operators that an application sends or the source contains', async () => {
    const sent = commands.flatMap(({ command }) => keysOf(command)).filter((key) => key.startsWith('$'));
    const files = SOURCES.flatMap((folder) =>
      readdirSync(join(ROOT, 'src', folder))
        .filter((name) => folder === 'database' || /^mongo-|\.schema\.ts$/.test(name))
        .map((name) => readFile(join(ROOT, 'src', folder, name), 'utf8')),
    );
    const written = (await Promise.all(files)).flatMap((text) => text.match(/\$[a-zA-Z]+\b/g) ?? []);
    const used = distinct([...sent, ...written]).filter((name) => !OF_THE_DRIVER.includes(name));
    expect(used).toEqual(operatorsOnPage());
  });

  it('names every property of an index, and the write concern', () => {
    const indexes = commands.flatMap(({ command }) => command['indexes'] ?? []);
    const properties = indexes.flatMap((index: object) => Object.keys(index));
    expect(distinct(properties.filter((name) => name !== 'key' && name !== 'name'))).toEqual(
      named('properties of indexes'),
    );
    const concerns = commands.flatMap(({ command }) => command['writeConcern'] ?? []);
    const careful = concerns.filter(({ w, j }) => w === 'majority' && j === true);
    expect(careful.length).toBeGreaterThan(10);
    expect(named('write concern')).toEqual(["{ w: 'majority', j: true }"]);
  });

  it('is right about what is not used', () => {
    const keys = distinct(commands.flatMap(({ command }) => keysOf(command)));
    const absent = [
      'startTransaction',
      'arrayFilters',
      'hint',
      'collation',
      'readConcern',
      'sparse',
      '$lookup',
    ];
    expect(keys.filter((key) => absent.includes(key))).toEqual([]);
    const changes = commands.flatMap(({ command }) => [command['update'], command['updates']].flat());
    const pipelines = changes.filter((change) => Array.isArray(change?.u) || Array.isArray(change));
    expect(pipelines).toEqual([]);
  });
});
