import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Types } from 'mongoose';
import { type UserQuery, UsersService } from '../../src/index.js';
import { HostApp } from '../support/host-app.js';
import { anotherSession, PASSWORD } from '../support/http.js';

const MANY = 10_500;
const ADMIN = 'root@example.com';

/** Ids in the order of `n`: a later user has a greater one. */
const idOf = (n: number) => new Types.ObjectId(n.toString(16).padStart(24, '0'));
/** The oldest user, one in the middle, and one whose roles are damaged. */
const rolesOf = new Map<number, unknown>([
  [0, ['user', 'editor']],
  [400, 'editor'],
  [5_000, ['user', 'editor']],
]);
const emailOf = (n: number) => `user-${String(n).padStart(5, '0')}@example.com`;

describe('a list of many users', () => {
  let host: HostApp;
  /** The fields of an administrator. */
  let template: object;
  let list: (query: Partial<UserQuery>) => Promise<{ numbers: number[]; after: string | undefined }>;

  beforeAll(async () => {
    host = await HostApp.start('fastify');
    const users = host.app.get(UsersService);
    await users.register({ email: ADMIN, password: PASSWORD, roles: ['admin'] });
    const rows = host.connection.collection('users');
    template = (await rows.findOne({ email: ADMIN })) ?? {};
    await rows.insertMany(
      Array.from({ length: MANY }, (_, n) => ({
        ...template,
        _id: idOf(n),
        email: emailOf(n),
        roles: rolesOf.get(n) ?? ['user'],
        disabledAt: n === 1 || n === MANY - 1 ? new Date() : null,
      })),
    );
    list = async (query) => {
      const found = await users.list({ limit: 3, ...query });
      const numbers = found.users.map((user) => Number.parseInt(user.id, 16));
      return { numbers, after: found.after };
    };
  });
  afterAll(() => host?.stop());

  it('looks at 10,000 users at most, and says where to continue', async () => {
    const first = await list({ role: 'editor' });
    expect(first.numbers).toEqual([5_000]);
    const second = await list({ role: 'editor', after: first.after });
    expect(second).toEqual({ numbers: [0], after: undefined });
  });

  it('without a match it still says where to continue, and ends at the last user', async () => {
    const first = await list({ role: 'nobody' });
    expect(first).toEqual({ numbers: [], after: expect.any(String) });
    expect(await list({ role: 'nobody', after: first.after })).toEqual({ numbers: [], after: undefined });
  });

  it('finds disabled users, enabled ones, and those with a prefix of the address', async () => {
    const first = await list({ disabled: true });
    expect(first.numbers).toEqual([MANY - 1]);
    expect(await list({ disabled: true, after: first.after })).toEqual({ numbers: [1], after: undefined });
    const newest = idOf(MANY - 1).toHexString();
    expect((await list({ disabled: false, after: newest })).numbers).toEqual([MANY - 2, MANY - 3, MANY - 4]);
    expect(await list({ disabled: true, emailPrefix: 'user-000' })).toEqual({
      numbers: [1],
      after: undefined,
    });
    expect((await list({ disabled: false, emailPrefix: 'user-0000' })).numbers).toEqual([0, 2, 3]);
    expect((await list({ role: 'editor', disabled: true })).numbers).toEqual([]);
  });

  it('a full page begins the next one after its last user, and none is listed twice', async () => {
    const { numbers } = await list({ role: 'user' });
    expect(numbers).toEqual([MANY - 1, MANY - 2, MANY - 3]);
    const next = await list({ role: 'user', after: idOf(MANY - 3).toHexString() });
    expect(next.numbers).toEqual([MANY - 4, MANY - 5, MANY - 6]);
  });

  it('finds all administrators by their index, disabled or not, the newest first', async () => {
    const rows = host.connection.collection('users');
    const others = [1, 2, 3].map((n) => ({
      ...template,
      _id: idOf(MANY + n),
      email: `admin-${n}@example.com`,
      disabledAt: n === 2 ? new Date() : null,
    }));
    await rows.insertMany(others);
    const rootFirst = expect.any(Number);
    expect((await list({ role: 'admin' })).numbers).toEqual([rootFirst, MANY + 3, MANY + 2]);
    expect((await list({ role: 'admin', after: idOf(MANY + 2).toHexString() })).numbers).toEqual([MANY + 1]);
    expect((await list({ role: 'admin', disabled: true })).numbers).toEqual([MANY + 2]);
    expect((await list({ role: 'admin', disabled: false })).numbers).toEqual([rootFirst, MANY + 3, MANY + 1]);
    expect((await list({ role: 'admin', emailPrefix: 'admin-' })).numbers).toEqual([
      MANY + 1,
      MANY + 2,
      MANY + 3,
    ]);
    await rows.deleteMany({ _id: { $in: others.map((other) => other._id) } });
  });

  it('a document with an id of another type is no user, and no position', async () => {
    const rows = host.connection.collection<{ _id: string | number }>('users');
    const odd = ['text', 7].map((_id) => ({
      ...template,
      _id,
      email: `${_id}@example.com`,
      disabledAt: null,
    }));
    await rows.insertMany(odd);
    const newest = await list({ limit: 1 });
    expect(newest.after).toBeUndefined();
    expect((await list({ limit: 1, role: 'admin' })).numbers).toEqual(newest.numbers);
    const oldest = { after: idOf(1).toHexString(), limit: 1 };
    expect(await list(oldest)).toEqual({ numbers: [0], after: undefined });
    expect(await list({ ...oldest, limit: 3 })).toEqual({ numbers: [0], after: undefined });
    expect(await list({ ...oldest, role: 'admin' })).toEqual({ numbers: [], after: undefined });
    await rows.deleteMany({ _id: { $in: odd.map(({ _id }) => _id) } });
  });

  it('a limit of none lists nobody', async () => {
    expect(await list({ limit: 0 })).toEqual({ numbers: [], after: undefined });
  });

  it('a page of a route may be empty and have a cursor', async () => {
    const { accessToken: token } = await anotherSession(host.api(), ADMIN);
    const page = async (query: string) => {
      const { status, json } = await host.api().send('GET', `/auth/admin/users?${query}`, { token });
      expect(status).toBe(200);
      return json as { items: { email: string }[]; nextCursor?: string };
    };
    const first = await page('role=nobody');
    expect(first).toEqual({ items: [], nextCursor: expect.any(String) });
    expect(await page(`role=nobody&cursor=${first.nextCursor}`)).toEqual({ items: [] });
    const editors = await page('role=editor&limit=1');
    expect(editors.items).toMatchObject([{ email: emailOf(5_000) }]);
    expect((await page(`role=editor&limit=1&cursor=${editors.nextCursor}`)).items).toMatchObject([
      { email: emailOf(0) },
    ]);
    expect((await page('role=admin')).items).toMatchObject([{ email: ADMIN }]);
  });
});
