import { describe, expect, it } from '@jest/globals';
import { IsInt, IsOptional, IsString } from 'class-validator';
import { RegisterDto } from '../../src/auth/session/dto/auth.dto.js';
import { checkOptions } from '../../src/index.js';
import { REGISTRATION_NAMES, registrationFields } from '../../src/options/registration.options.js';

const MINIMAL = {
  issuer: 'https://api.example.com',
  keys: { access: ['q8Zr4kT2mXw9pLc7vBn5sHd3gFj1aYe6'], refresh: ['e6Ya1jFg3dHs5nBv7cLp9wXm2Tk4rZ8q'] },
};
const problems = (over: object) =>
  checkOptions({ ...MINIMAL, ...over }).map(({ key, value }) => `${key} ${value}`);

/** A class with a rule for one field. */
function fieldNamed(name: string) {
  class Fields {}
  IsString()(Fields.prototype, name);
  return Fields;
}

class Company {
  @IsString()
  company!: string;

  @IsOptional()
  @IsInt()
  seats?: number;
}

describe('registration.fields', () => {
  it('accepts a class with rules', () => {
    expect(problems({ registration: { fields: Company } })).toEqual([]);
    expect(registrationFields(Company)).toEqual(['company', 'seats']);
  });

  it.each([
    ['a text', 'company'],
    ['a list', ['company']],
    ['null', null],
  ])('refuses %s', (_what, fields) => {
    expect(problems({ registration: { fields } })).toHaveLength(1);
  });

  it('refuses a class without rules, because a body could have none of its fields', () => {
    class Bare {
      company = '';
    }
    expect(problems({ registration: { fields: Bare } })).toEqual(['registration.fields Bare']);
  });

  it.each([...REGISTRATION_NAMES, 'passwordHash', 'roles', 'tokenVersion', 'disabledAt', '_id', 'id'])(
    'refuses the field %s, which is the library’s own',
    (name) =>
      expect(problems({ registration: { fields: fieldNamed(name) } })).toEqual([
        `registration.fields ${name}`,
      ]),
  );

  it.each(['a.b', '$set', '__proto__', 'constructor'])(
    'refuses the field %s, which cannot be stored',
    (name) =>
      expect(problems({ registration: { fields: fieldNamed(name) } })).toEqual([
        `registration.fields ${name}`,
      ]),
  );

  it('refuses a field whose name the users collection uses for a field of the library', () => {
    const users = { fields: { passwordHash: 'secret' } };
    const registration = { fields: fieldNamed('secret') };
    expect(problems({ users, registration })).toEqual(['registration.fields secret']);
  });

  it('knows every field that a registration already has', () => {
    expect([...REGISTRATION_NAMES].sort()).toEqual([...registrationFields(RegisterDto)].sort());
  });
});
