import { describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import fc from 'fast-check';
import { ChangePasswordDto, LoginDto, RefreshDto, RegisterDto } from '../../src/auth/session/dto/auth.dto.js';
import { AuthError } from '../../src/core/errors.js';
import { BodyValidationPipe } from '../../src/http/body-validation.pipe.js';

const LOGIN = { email: 'ann@example.com', password: 'correct horse' };

/** Validates what a body parser would pass: a new object from JSON. */
function validate(dto: Type<object>, body: unknown): Promise<unknown> {
  const parsed: unknown = body === undefined ? undefined : JSON.parse(JSON.stringify(body));
  return new BodyValidationPipe(dto).transform(parsed);
}

async function refusedFields(dto: Type<object>, body: unknown): Promise<string[]> {
  try {
    await validate(dto, body);
    return [];
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    expect(error.code).toBe('VALIDATION_FAILED');
    return (error.fields ?? []).map(({ field }) => field);
  }
}

describe(BodyValidationPipe.name, () => {
  it('returns an instance of the DTO with the fields of the body', async () => {
    const dto = await validate(LoginDto, { ...LOGIN, transport: 'body', deviceName: 'Ann’s phone' });
    expect(dto).toBeInstanceOf(LoginDto);
    expect(dto).toEqual({ ...LOGIN, transport: 'body', deviceName: 'Ann’s phone' });
  });

  it('normalises the address, and keeps the password as typed', async () => {
    const dto = await validate(LoginDto, { email: '  ＡＮＮ@Example.com ', password: '  Correct Horse ' });
    expect(dto).toEqual({ email: 'ann@example.com', password: '  Correct Horse ' });
  });

  it('reports every invalid field at once, with a message each', async () => {
    const body = { email: 5, password: '', transport: 'header', deviceId: 'x'.repeat(129) };
    const fields = await refusedFields(LoginDto, body);
    expect(new Set(fields)).toEqual(new Set(['email', 'password', 'transport', 'deviceId']));
    await expect(validate(LoginDto, body)).rejects.toMatchObject({
      fields: expect.arrayContaining([{ field: 'deviceId', message: expect.stringContaining('128') }]),
    });
  });

  it.each([
    [['ann@example.com'], 'must not be a list'],
    [{ $gt: '' }, 'must not be an object'],
  ])('says of %j in place of a text what it is', async (email, message) => {
    await expect(validate(LoginDto, { ...LOGIN, email })).rejects.toMatchObject({
      fields: [{ field: 'email', message }],
    });
  });

  it('a wrongly typed field hides no other problem, and is reported once', async () => {
    const fields = await refusedFields(LoginDto, { email: { $gt: '' }, isAdmin: true });
    expect([...fields].sort()).toEqual(expect.arrayContaining(['email', 'isAdmin', 'password']));
    expect(fields.filter((field) => field === 'email')).toHaveLength(1);
  });

  it('answers a flood of unknown fields briefly', async () => {
    const flood = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`x${index}`, 1]));
    expect((await refusedFields(LoginDto, { ...flood, ...LOGIN })).length).toBeLessThanOrEqual(40);
  });

  it('treats a missing body as an empty one', async () => {
    for (const none of [undefined, {}]) {
      expect(await validate(RefreshDto, none)).toEqual({});
      expect(new Set(await refusedFields(LoginDto, none))).toEqual(new Set(['email', 'password']));
    }
  });

  it.each([null, 'text', '', 1, 0, true, false, [], [LOGIN], ['email']])(
    'refuses a body that is %j',
    async (body) => {
      for (const dto of [LoginDto, RefreshDto])
        await expect(validate(dto, body)).rejects.toMatchObject({
          code: 'VALIDATION_FAILED',
          fields: [{ field: '', message: 'the body must be a JSON object' }],
        });
    },
  );

  it.each([{ $gt: '' }, { $ne: null }, { $regex: '.*' }, ['ann@example.com'], [], {}, 5, true])(
    'refuses an operator object or anything else that is not a string: %j',
    async (odd) => {
      expect(await refusedFields(LoginDto, { ...LOGIN, password: odd })).toContain('password');
      expect(await refusedFields(LoginDto, { ...LOGIN, email: odd })).toContain('email');
      expect(await refusedFields(LoginDto, { ...LOGIN, appId: odd })).toContain('appId');
      expect(await refusedFields(RegisterDto, { ...LOGIN, name: odd })).toContain('name');
      expect(await refusedFields(RefreshDto, { refreshToken: odd })).toContain('refreshToken');
      expect(
        await refusedFields(ChangePasswordDto, { currentPassword: odd, newPassword: 'battery staple' }),
      ).toContain('currentPassword');
    },
  );

  it('null is refused where a value is required, and means absent elsewhere', async () => {
    expect(await refusedFields(LoginDto, { email: null, password: null })).toEqual(
      expect.arrayContaining(['email', 'password']),
    );
    expect(await refusedFields(LoginDto, { ...LOGIN, transport: null, deviceName: null })).toEqual([]);
    expect(await refusedFields(RefreshDto, { refreshToken: null })).toEqual([]);
  });

  it.each([
    'roles',
    'isAdmin',
    'tokenVersion',
    '_id',
    '$where',
    'email.x',
    'constructor',
    'toString',
    'hasOwnProperty',
    'prototype',
    'then',
    '',
  ])('refuses the unknown field %j: nobody registers as an administrator', async (name) => {
    expect(await refusedFields(RegisterDto, { ...LOGIN, [name]: ['admin'] })).toContain(name);
    expect(await refusedFields(RefreshDto, { [name]: 'x' })).toContain(name);
  });

  it('refuses __proto__, and pollutes no prototype', async () => {
    const body: unknown = JSON.parse(
      '{"email":"ann@example.com","password":"correct horse","__proto__":{"isAdmin":true}}',
    );
    await expect(new BodyValidationPipe(LoginDto).transform(body)).rejects.toMatchObject({
      fields: [{ field: '__proto__' }],
    });
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });

  it('an address may have 254 characters once normalised, a name 100, a device field 128', async () => {
    const address = (length: number) => `${'a'.repeat(length - 12)}@example.com`;
    expect(await refusedFields(LoginDto, { ...LOGIN, email: `  ${address(254)}  ` })).toEqual([]);
    expect(await refusedFields(LoginDto, { ...LOGIN, email: address(255) })).toEqual(['email']);
    expect(await refusedFields(RegisterDto, { ...LOGIN, name: 'n'.repeat(100) })).toEqual([]);
    expect(await refusedFields(RegisterDto, { ...LOGIN, name: 'n'.repeat(101) })).toEqual(['name']);
    for (const field of ['appId', 'deviceId', 'deviceName']) {
      expect(await refusedFields(LoginDto, { ...LOGIN, [field]: 'd'.repeat(128) })).toEqual([]);
      expect(await refusedFields(LoginDto, { ...LOGIN, [field]: 'd'.repeat(129) })).toEqual([field]);
    }
  });

  it('registration requires an e-mail address; login accepts any text, which is then an unknown address', async () => {
    for (const email of ['ann', 'ann@', '@example.com', 'ann example.com', 'ann@exa mple.com']) {
      expect(await refusedFields(RegisterDto, { ...LOGIN, email })).toEqual(['email']);
      expect(await refusedFields(LoginDto, { ...LOGIN, email })).toEqual([]);
    }
  });

  it('repeats the name of an unknown field in short, but never its value', async () => {
    const name = 'x'.repeat(5000);
    let refusal: AuthError | undefined;
    try {
      await validate(LoginDto, { email: 5, password: { secret: 'hunter2' }, [name]: 1 });
    } catch (error) {
      refusal = error as AuthError;
    }
    for (const { field, message } of refusal?.fields ?? []) {
      expect(field.length).toBeLessThanOrEqual(64);
      expect(message.length).toBeLessThanOrEqual(200);
    }
    expect(JSON.stringify(refusal?.fields)).not.toContain('hunter2');
  });

  it('refuses invalid Unicode, which a store would change', async () => {
    expect(await refusedFields(LoginDto, { ...LOGIN, password: 'lone \ud800 surrogate' })).toEqual([
      'password',
    ]);
    expect(await refusedFields(LoginDto, { ...LOGIN, deviceName: '\udc00' })).toEqual(['deviceName']);
    expect(await refusedFields(LoginDto, { ...LOGIN, deviceName: '\ud83d\udd0b' })).toEqual([]);
  });

  it('survives a body nested as deeply as its size allows', async () => {
    const deep: unknown = JSON.parse('{"a":'.repeat(2500) + '1' + '}'.repeat(2500));
    for (const body of [deep, { ...LOGIN, password: deep }, { ...LOGIN, deviceName: deep }])
      await expect(new BodyValidationPipe(LoginDto).transform(body)).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
      });
  });

  it('answers any JSON with a DTO or VALIDATION_FAILED, never with another error', async () => {
    const nearMiss = fc.record(
      {
        email: fc.oneof(fc.emailAddress(), fc.jsonValue()),
        password: fc.oneof(fc.string(), fc.jsonValue()),
        transport: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), nearMiss), async (body) => {
        for (const dto of [LoginDto, RegisterDto, RefreshDto, ChangePasswordDto])
          await refusedFields(dto, body);
      }),
    );
  });
});
