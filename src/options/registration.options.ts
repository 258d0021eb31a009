import { getMetadataStorage } from 'class-validator';
import type { OptionReader } from './option-reader.js';
import type { UserFields } from './users.options.js';

export interface RegistrationOptions {
  /**
   * A class with class-validator rules for the fields of a registration in addition to address, password and name. Values are
   * strings, numbers and booleans; other fields are refused. The user store receives them as `fields`.
   * @default none
   */
  fields?: new () => object;
}

/** Names that the registration's own fields use. */
export const REGISTRATION_NAMES: readonly string[] = [
  'email',
  'password',
  'name',
  'transport',
  'appId',
  'deviceId',
  'deviceName',
  'rememberMe',
  'attempt',
];
const DOCUMENT_NAMES: readonly string[] = ['_id', '__v', 'id', 'fields'];
/** Allowed as the name of a field in a MongoDB document. */
const FIELD_NAME = /^(?!__proto__$|constructor$|prototype$)[^.$\0]{1,64}$/;

export function readRegistration(read: OptionReader<RegistrationOptions>, users: UserFields) {
  const given = read.given('fields');
  if (given === undefined) return { fields: null };
  if (typeof given !== 'function') {
    read.refuse('fields', 'give a class with rules of class-validator, such as @IsString()');
    return { fields: null };
  }
  const fields = given as new () => object;
  const names = registrationFields(fields);
  if (names.length === 0)
    read.refuse(
      'fields',
      'has no rules: give each field one of class-validator, such as @IsString()',
      fields.name,
    );
  const taken = new Set<string>([
    ...REGISTRATION_NAMES,
    ...DOCUMENT_NAMES,
    ...Object.keys(users),
    ...Object.values(users),
  ]);
  for (const name of names)
    if (taken.has(name) || !FIELD_NAME.test(name))
      read.refuse(
        'fields',
        `has a field of the library’s own, or one that cannot be stored: rename it`,
        name,
      );
  return { fields };
}

/** The names of the fields for which a class has rules. */
export function registrationFields(fields: new () => object): readonly string[] {
  const rules = getMetadataStorage().getTargetValidationMetadatas(fields, '', false, false);
  return [...new Set(rules.map(({ propertyName }) => propertyName))];
}
