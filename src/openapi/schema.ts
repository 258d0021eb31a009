import type { Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import type { Header, Reference, Schema } from './open-api.types.js';

export const text: Schema = { type: 'string' };
export const filledText: Schema = { type: 'string', minLength: 1 };
export const textOrNull: Schema = { type: ['string', 'null'] };
export const texts: Schema = { type: 'array', items: text };
export const flag: Schema = { type: 'boolean' };
export const count: Schema = { type: 'integer', minimum: 0 };
export const moment: Schema = { type: 'string', format: 'date-time' };

export const ref = (name: string): Reference => ({ $ref: `#/components/schemas/${name}` });
export const listOf = (items: Schema | Reference, description?: string): Schema => ({
  type: 'array',
  items,
  ...(description === undefined ? {} : { description }),
});
export const withNote = (schema: Schema, description: string, example?: unknown): Schema => ({
  ...schema,
  description,
  ...(example === undefined ? {} : { examples: [example] }),
});

export const header = (description: string, schema: Schema, required = true): Header => ({
  description,
  required,
  schema,
});

/** An object with only these properties. A name that ends in `?` is optional. */
export function object(fields: Record<string, Schema | Reference>, description?: string): Schema {
  const names = Object.keys(fields);
  return {
    type: 'object',
    ...(description === undefined ? {} : { description }),
    properties: Object.fromEntries(names.map((name) => [name.replace('?', ''), fields[name] ?? {}])),
    required: names.filter((name) => !name.endsWith('?')),
    additionalProperties: false,
  };
}

/** Rules of class-validator as JSON Schema. */
const KEYWORDS: Readonly<Record<string, (constraint: unknown) => Schema>> = {
  isString: () => text,
  matches: (pattern) => ({ ...text, pattern: (pattern as RegExp).source }),
  isBoolean: () => flag,
  isInt: () => ({ type: 'integer' }),
  isNumber: () => ({ type: 'number' }),
  min: (minimum) => ({ minimum: minimum as number }),
  max: (maximum) => ({ maximum: maximum as number }),
  isEmail: () => ({ type: 'string', format: 'email' }),
  isIn: (values) => ({ type: 'string', enum: [...(values as unknown[])] }),
  minLength: (minLength) => ({ minLength: minLength as number }),
  maxLength: (maxLength) => ({ maxLength: maxLength as number }),
};

/** The fields of a DTO, from its rules and the additional `notes`. */
export function fieldsOf(dto: Type, notes: Readonly<Record<string, Schema>>): Map<string, Schema> {
  const fields = new Map<string, Schema>();
  for (const { propertyName, name = '', constraints } of rulesOf(dto))
    fields.set(propertyName, { ...fields.get(propertyName), ...KEYWORDS[name]?.(constraints?.[0]) });
  for (const [name, schema] of fields) fields.set(name, { ...schema, ...notes[name] });
  return fields;
}

/** The schema of a request body. Optional fields may also be null. @param others a class with further fields */
export function bodyOf(
  dto: Type,
  notes: Readonly<Record<string, Schema>>,
  others: Type<object> | null = null,
): Schema {
  return object({ ...propertiesOf(dto, notes), ...(others && propertiesOf(others, {}, {})) });
}

/** @param fallback the schema of fields whose rules define no type */
function propertiesOf(
  dto: Type,
  notes: Readonly<Record<string, Schema>>,
  fallback: Schema = text,
): Record<string, Schema> {
  const optional = new Set(
    rulesOf(dto).flatMap(({ name, propertyName }) => (name === 'isOptional' ? [propertyName] : [])),
  );
  const fields = [...fieldsOf(dto, notes)].map(([name, schema]): [string, Schema] => {
    if (!optional.has(name)) return [name, schema];
    const values = schema.enum ? { enum: [...schema.enum, null] } : {};
    const { type = fallback.type } = schema;
    const types = type === undefined ? {} : { type: [...[type].flat(), 'null'] };
    return [`${name}?`, { ...schema, ...values, ...types }];
  });
  return Object.fromEntries(fields);
}

const rulesOf = (dto: Type) => getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
