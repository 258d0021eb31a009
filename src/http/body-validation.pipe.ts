import type { PipeTransform, Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, validate, validateSync, type ValidationError } from 'class-validator';
import { AuthError, type FieldProblem } from '../core/errors.js';

/** Maximum length of an unknown field's name in the error. */
const MAX_ECHO = 64;
const MAX_PROBLEMS = 20;

/**
 * Validates a request body against its DTO, whose fields are all strings. It allows only known fields, no objects as
 * values, and only well-formed Unicode. A missing body counts as an empty one.
 * @throws AuthError `VALIDATION_FAILED` with a problem per field
 */
export class BodyValidationPipe<Dto extends object> implements PipeTransform<unknown, Promise<Dto>> {
  private readonly known: ReadonlySet<string>;
  /** Whether an empty body is valid. Most refreshes send none, and skip the checks. */
  private readonly acceptsNothing: boolean;

  /** @param lists fields that may be lists of strings */
  constructor(
    private readonly dto: Type<Dto>,
    private readonly lists: readonly string[] = [],
  ) {
    this.known = fieldsOf(dto);
    this.acceptsNothing = validateSync(new dto()).length === 0;
  }

  async transform(value: unknown): Promise<Dto> {
    const body = value === undefined ? {} : value;
    if (this.acceptsNothing && isEmptyObject(body)) return new this.dto();
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      return refuse([{ field: '', message: 'the body must be a JSON object' }]);
    // Before class-transformer and class-validator run: deep nesting overflows their stack, and inherited names
    // (`constructor`) and lone surrogates pass or break their checks.
    const odd: FieldProblem[] = [];
    const sound: Record<string, unknown> = {};
    for (const [field, content] of Object.entries(body)) {
      const message = oddity(field, content, this.known, this.lists);
      if (message) odd.push({ field: field.slice(0, MAX_ECHO).toWellFormed(), message });
      else sound[field] = content;
    }
    const dto = plainToInstance(this.dto, sound);
    const errors = await validate(dto);
    const others = errors
      .flatMap(problems)
      .filter(({ field }) => !odd.some((problem) => problem.field === field));
    if (odd.length + others.length > 0) refuse([...odd.slice(0, MAX_PROBLEMS), ...others]);
    return dto;
  }
}

function isEmptyObject(body: unknown): boolean {
  return typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length === 0;
}

function fieldsOf(dto: Type): ReadonlySet<string> {
  const rules = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
  return new Set(rules.map(({ propertyName }) => propertyName));
}

function oddity(
  field: string,
  content: unknown,
  known: ReadonlySet<string>,
  lists: readonly string[],
): string | null {
  if (!known.has(field)) return 'is not a known field';
  if (lists.includes(field) && Array.isArray(content))
    return content.every((item) => typeof item === 'string' && item.isWellFormed())
      ? null
      : 'must be a list of texts';
  if (Array.isArray(content)) return 'must not be a list';
  if (typeof content === 'object' && content !== null) return 'must not be an object';
  if (typeof content === 'string' && !content.isWellFormed()) return 'must be well-formed Unicode';
  return null;
}

function problems({ property, constraints }: ValidationError): FieldProblem[] {
  return Object.values(constraints ?? { invalid: `${property} is invalid` }).map((message) => ({
    field: property,
    message,
  }));
}

function refuse(fields: FieldProblem[]): never {
  throw new AuthError('VALIDATION_FAILED', { fields });
}
