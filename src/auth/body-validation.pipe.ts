import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validate, type ValidationError } from 'class-validator';
import { AuthError, type FieldProblem } from '../core/errors.js';

/**
 * Validates a request body against its DTO: own fields only, no unknown ones, no objects in place of strings. No body
 * at all is an empty one.
 * @throws AuthError `VALIDATION_FAILED` with a problem per field
 */
@Injectable()
export class BodyValidationPipe implements PipeTransform<unknown, Promise<unknown>> {
  async transform(value: unknown, { metatype, type }: ArgumentMetadata): Promise<unknown> {
    if (type !== 'body' || !metatype) return value;
    const body = value ?? {};
    if (typeof body !== 'object' || Array.isArray(body))
      refuse([{ field: '', message: 'the body must be a JSON object' }]);
    // The transformer drops this key in silence; it is as unknown as any other.
    if (Object.hasOwn(body, '__proto__'))
      refuse([{ field: '__proto__', message: 'property __proto__ should not exist' }]);
    const dto = plainToInstance(metatype as new () => object, body);
    const errors = await validate(dto, {
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
    });
    if (errors.length > 0) refuse(errors.flatMap(problems));
    return dto;
  }
}

function problems({ property, constraints }: ValidationError): FieldProblem[] {
  return Object.values(constraints ?? { invalid: `${property} is invalid` }).map((message) => ({
    // Whatever the client named it, echoed short.
    field: property.slice(0, 64),
    message: message.slice(0, 200),
  }));
}

function refuse(fields: FieldProblem[]): never {
  throw new AuthError('VALIDATION_FAILED', { fields });
}
