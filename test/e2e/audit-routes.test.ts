import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Connection, createConnection, Types } from 'mongoose';
import { ANYWHERE, NOBODY, type Row, ROWS, type Stage } from '../support/audited-routes.js';
import { databaseUri } from '../support/database.js';
import { codeOf, DocumentedApi } from '../support/documented-api.js';
import { eventually } from '../support/eventually.js';
import { anotherSession, type Api, type Call, PASSWORD, type Session } from '../support/http.js';
import { INTROSPECTION_CLIENTS, Service } from '../support/service.js';
import { MailCatcher } from '../support/smtp-server.js';

const ADMIN_EMAIL = 'root@example.com';

interface Event {
  readonly id: string;
  readonly type: string;
  readonly reason?: string;
  readonly userId?: string;
  readonly by?: string;
  readonly ip?: string;
  readonly userAgent?: string;
}

/**
 * Not triggered here: bugs, a database that is away, a mode without revocations, device-bound keys, which need
 * HTTPS.
 */
const ELSEWHERE =
  /^(?:registerDevice 200 -|renewDevice 403 DEVICE_PROOF_REQUIRED)$| (?:503 \S+|INTERNAL|server_error|unsupported_token_type)$/;

/** Events without a known user, or with a user that must not be shown. */
const OF_NOBODY =
  /^(?:login\.(?:failed:unknown_user|locked)|client\.refused|password\.reset_requested|records\.viewed)/;

describe.each(['express', 'fastify'])('the events of every route on %s', (HTTP_ADAPTER) => {
  let mail: MailCatcher;
  let database: Connection;
  let services: Service[] = [];
  let documented: DocumentedApi;
  let rows: [name: string, row: Row][];
  let admin: Session;
  /** Every `operation status code` that one of the instances documents. */
  let promised: string[];

  beforeAll(async () => {
    mail = await MailCatcher.start();
    const uri = databaseUri('audit_routes');
    database = await createConnection(uri).asPromise();
    const settings = {
      HTTP_ADAPTER,
      MONGODB_URI: uri,
      SMTP_URL: mail.url,
      MAIL_FROM: 'auth@example.com',
      APP_URL: 'https://app.example.com',
      ADMIN_EMAIL,
      ADMIN_PASSWORD: PASSWORD,
      TRUST_PROXY: 'true',
      THROTTLE: 'on',
      FINGERPRINT_MODE: 'enforce',
      ANOMALY_ACTION: 'revoke-session',
      MAX_SESSIONS_PER_USER: '3',
      INTROSPECTION_CLIENTS,
    };
    services = [await Service.start(settings)];
    services.push(
      await Service.start({ ...settings, EMAIL_VERIFICATION: 'required', REFRESH_GRACE_PERIOD: '0' }),
    );
    const [api, other] = services.map((service) => service.api({ 'user-agent': 'setup' })) as [Api, Api];
    documented = new DocumentedApi((await api.send('GET', '/docs-json')).json);
    const documents = [documented, new DocumentedApi((await other.send('GET', '/docs-json')).json)];
    promised = [...new Set(documents.flatMap((document) => document.promised))];
    admin = await anotherSession(api, ADMIN_EMAIL);
    const anywhere = promised.flatMap((promise): [string, Row][] => {
      const [id = '', , code = ''] = promise.split(' ');
      const row = ANYWHERE[code]?.(id);
      return row && !(promise in ROWS) ? [[promise, row]] : [];
    });
    rows = [...Object.entries(ROWS), ...anywhere];
  });
  afterAll(async () => {
    for (const service of services) await service.dispose();
    await mail?.close();
    await database?.close();
  });

  function stageOf(index: number): Stage {
    const at = (service: Service | undefined, userAgent: string, ip: string) => {
      if (!service) throw new Error('there are two instances');
      return service.api({ 'user-agent': userAgent, 'x-forwarded-for': ip });
    };
    const [one, two] = services;
    const network = `10.${index >> 8}.${index & 255}`;
    const api = at(one, `row/${index}`, `${network}.2`);
    return {
      api,
      other: at(two, `row/${index}`, `${network}.2`),
      stranger: at(one, `stranger/${index}`, `172.${16 + (index >> 8)}.${index & 255}.2`),
      before: at(one, 'row/before', `${network}.1`),
      admin: admin.accessToken,
      send: async (id, { path, to = api, ...call } = {}) => {
        const operation = documented.operation(id);
        const url = path ?? operation.path.replace('{id}', NOBODY);
        return to.send(operation.method, url, sized(call));
      },
      link: async (email) => {
        const token = (await mail.arrived(email))
          .map(({ text }) => /#token=([\w-]{43})/.exec(text ?? '')?.[1])
          .find((found) => found !== undefined);
        if (token === undefined) throw new Error(`no link to ${email}`);
        return token;
      },
      withoutPassword: async (userId) => {
        const filter = { _id: new Types.ObjectId(userId) };
        const { matchedCount } = await database
          .collection('users')
          .updateOne(filter, { $set: { passwordHash: null } });
        expect(matchedCount).toBe(1);
      },
    };
  }

  /** The whole log, page by page. */
  async function everything(): Promise<Event[]> {
    const [api] = services.map((service) => service.api({ 'user-agent': 'setup' })) as [Api];
    const events: Event[] = [];
    for (let cursor = ''; ;) {
      const path = `/auth/admin/events?limit=200${cursor && `&cursor=${cursor}`}`;
      const answer = await api.send('GET', path, { token: admin.accessToken });
      expect(answer.status).toBe(200);
      const page = answer.json as { items: Event[]; nextCursor?: string };
      events.push(...page.items);
      if (page.nextCursor === undefined) return events;
      cursor = page.nextCursor;
    }
  }

  const rowOf = ({ userAgent }: Event) => /^(?:row|stranger)\/(\d+)$/.exec(userAgent ?? '')?.[1];

  function logged(events: readonly Event[]): Record<string, string[]> {
    const lists = rows.map(([name], index): [string, string[]] => {
      const own = events.filter((event) => rowOf(event) === String(index));
      return [name, own.map(({ type, reason }) => (reason ? `${type}:${reason}` : type)).sort()];
    });
    return Object.fromEntries(lists);
  }

  it('are all there, each once, whatever the answer, through two instances', async () => {
    for (let first = 0; first < rows.length; first += 8)
      await Promise.all(
        rows.slice(first, first + 8).map(async ([name, [, act]], offset) => {
          const answer = await act(stageOf(first + offset));
          const [id = '', status, code] = name.split(' ');
          expect(`${id} ${answer.status} ${codeOf(answer)}`).toBe(`${id} ${status} ${code}`);
        }),
      );
    const played = new Set(rows.map(([name]) => name.split(' ', 3).join(' ')));
    const missing = promised.filter((promise) => !played.has(promise));
    expect(missing.filter((promise) => !ELSEWHERE.test(promise))).toEqual([]);

    const expected = Object.fromEntries(rows.map(([name, [events]]) => [name, [...events].sort()]));
    const isThere = (events: Event[]) => JSON.stringify(logged(events)) === JSON.stringify(expected);
    const log = await eventually(everything, isThere);
    expect(logged(log)).toEqual(expected);

    expect(new Set(log.map(({ id }) => id)).size).toBe(log.length);
    const known = /^(?:(?:row|stranger)\/\d+|row\/before|setup)$/;
    for (const event of log) {
      if (isAnonymous(event)) continue;
      // Every event names its origin and its user.
      expect(event).toMatchObject({ userAgent: expect.stringMatching(known), ip: expect.any(String) });
      if (!OF_NOBODY.test(`${event.type}:${event.reason ?? ''}`))
        expect(event).toMatchObject({ userId: expect.stringMatching(/^[0-9a-f]{24}$/) });
    }
    const acts = log.filter(({ by }) => by !== undefined);
    expect([...new Set(acts.map(({ by }) => by))]).toEqual([admin.userId]);
    expect([...new Set(acts.map(({ type }) => type))].sort()).toEqual([
      'records.viewed',
      'user.deleted',
      'user.disabled',
      'user.enabled',
      'user.impersonated',
      'user.logged_out',
      'user.roles_changed',
      'user.unlocked',
    ]);
  });
});

/** Whether the event is about a deleted user, or is the deletion itself. */
function isAnonymous({ type, userId, ip, userAgent }: Event): boolean {
  return ip === undefined && userAgent === undefined && (userId === undefined || type === 'user.deleted');
}

/** Node's client sends a body of DELETE without its length, and a server reads it as the next request. */
function sized(call: Call): Call {
  const payload = call.raw ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
  if (payload === undefined) return call;
  return { ...call, headers: { 'content-length': String(Buffer.byteLength(payload)), ...call.headers } };
}
