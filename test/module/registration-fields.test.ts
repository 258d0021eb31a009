import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { openApiDocument, UsersService } from '../../src/index.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import { expectInvalidField, PASSWORD, uniqueEmail } from '../support/http.js';

class CompanyFields {
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value))
  @IsString()
  @MaxLength(80)
  company!: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(500)
  seats?: number;

  @IsIn([true])
  @IsBoolean()
  terms!: boolean;

  /** No client sends it. */
  source = 'web';
}

describe.each(ADAPTERS)('fields of a registration, on %s', (adapter) => {
  let host: HostApp;

  beforeAll(async () => {
    host = await HostApp.start(adapter, { registration: { fields: CompanyFields } });
  });
  afterAll(() => host.stop());

  const register = (fields: object) => {
    const email = uniqueEmail();
    return host.api().register({ email, password: PASSWORD, ...fields });
  };

  it('are stored next to the library’s, and reach the host', async () => {
    const answer = await register({ name: 'Ada', company: '  Engines ', seats: 3, terms: true });
    expect(answer.status).toBe(201);
    const { id, email } = answer.json.user;
    expect(answer.json.user).toEqual({ id, email, name: 'Ada', roles: ['user'] });
    expect(await host.connection.collection('users').findOne({ email })).toMatchObject({
      company: 'Engines',
      seats: 3,
      terms: true,
      roles: ['user'],
      passwordHash: expect.stringMatching(/^\$2/),
    });
    const user = await host.app.get(UsersService).findById(id);
    expect(user?.fields).toMatchObject({ company: 'Engines', seats: 3, terms: true });
  });

  it('are optional if the host’s rules allow it', async () => {
    expect((await register({ company: 'Engines', terms: true })).status).toBe(201);
    expectInvalidField(await register({ terms: true }), 'company');
    expectInvalidField(await register({ company: 'x', terms: false }), 'terms');
    expectInvalidField(await register({ company: 'x', terms: true, seats: 501 }), 'seats');
  });

  it.each([
    ['an object', { company: { $ne: '' } }, 'company'],
    ['a list', { company: ['x'] }, 'company'],
    ['a lone surrogate', { company: '\ud800' }, 'company'],
    ['an unknown field', { surprise: 1 }, 'surprise'],
    ['a field without a rule', { source: 'attack' }, 'source'],
    ['a field of the stored user', { roles: 'admin' }, 'roles'],
    ['the hash', { passwordHash: 'x' }, 'passwordHash'],
  ])('refuses %s', async (_what, fields, field) => {
    expectInvalidField(await register({ company: 'Engines', terms: true, ...fields }), field);
  });

  it('reports the problems of both in one answer, and stores nothing', async () => {
    const answer = await register({ email: 'nonsense', company: 'x'.repeat(81) });
    expect(answer.status).toBe(400);
    expect(answer.json.details.map(({ field }: { field: string }) => field)).toEqual([
      'email',
      'company',
      'terms',
      'terms',
    ]);
  });

  it('refuses a body that is not an object', async () => {
    expectInvalidField(await host.api().post('/auth/register', []), '');
  });
});

it('the document describes the fields of a registration', () => {
  const options = authOptions({ registration: { fields: CompanyFields } });
  const document = openApiDocument(options) as unknown as {
    components: { schemas: { RegisterRequest: { properties: object; required: string[] } } };
  };
  const { properties, required } = document.components.schemas.RegisterRequest;
  expect(properties).toMatchObject({
    company: { type: 'string', maxLength: 80 },
    seats: { type: ['integer', 'null'], minimum: 1, maximum: 500 },
    email: { type: 'string' },
  });
  expect(properties).not.toHaveProperty('source');
  expect(required).toEqual(expect.arrayContaining(['email', 'password', 'company', 'terms']));
});
