import { Inject, Injectable, type PipeTransform } from '@nestjs/common';
import { AuthError, type FieldProblem } from '../../core/errors.js';
import { BodyValidationPipe } from '../../http/body-validation.pipe.js';
import { registrationFields } from '../../options/registration.options.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../options/resolve-options.js';
import { RegisterDto } from './dto/auth.dto.js';

/** The body of a registration. */
export type RegistrationBody = Readonly<RegisterDto> & {
  /** The host's own fields (`registration.fields`). */
  readonly fields?: Readonly<Record<string, unknown>>;
};

/**
 * Validates a registration: the library's fields by its rules, and those of `registration.fields` by the host's.
 * @throws AuthError `VALIDATION_FAILED` with the problems of both
 */
@Injectable()
export class RegistrationPipe implements PipeTransform<unknown, Promise<RegistrationBody>> {
  private readonly own = new BodyValidationPipe(RegisterDto);
  private readonly others: BodyValidationPipe<object> | null = null;
  private readonly names: ReadonlySet<string> = new Set();

  constructor(@Inject(AUTH_OPTIONS) { registration }: ResolvedAuthOptions) {
    if (registration.fields === null) return;
    this.others = new BodyValidationPipe(registration.fields);
    this.names = new Set(registrationFields(registration.fields));
  }

  async transform(body: unknown): Promise<RegistrationBody> {
    if (!this.others || typeof body !== 'object' || body === null || Array.isArray(body))
      return this.own.transform(body);
    const entries = Object.entries(body);
    const part = (isOfHost: boolean) =>
      Object.fromEntries(entries.filter(([name]) => this.names.has(name) === isOfHost));
    const [own, others] = await Promise.allSettled([
      this.own.transform(part(false)),
      this.others.transform(part(true)),
    ]);
    if (own.status === 'fulfilled' && others.status === 'fulfilled')
      return { ...own.value, fields: given(others.value) };
    throw new AuthError('VALIDATION_FAILED', { fields: [...problemsOf(own), ...problemsOf(others)] });
  }
}

/** Only the fields that were sent: a class may declare others. */
function given(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function problemsOf(result: PromiseSettledResult<unknown>): readonly FieldProblem[] {
  if (result.status === 'fulfilled') return [];
  const error: unknown = result.reason;
  if (error instanceof AuthError && error.fields) return error.fields;
  throw error;
}
