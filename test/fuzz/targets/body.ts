import assert from 'node:assert/strict';
import type { Type } from '@nestjs/common';
import {
  ForgotPasswordDto,
  ResetPasswordDto,
  VerifyEmailDto,
} from '../../../src/auth/recovery/recovery.dto.js';
import {
  ChangePasswordDto,
  LoginDto,
  LogoutDto,
  RefreshDto,
  RegisterDto,
} from '../../../src/auth/session/dto/auth.dto.js';
import { ATTEMPT } from '../../../src/core/attempt.js';
import { AuthError } from '../../../src/core/errors.js';
import { BodyValidationPipe } from '../../../src/http/body-validation.pipe.js';

const dtos: Type<object>[] = [
  LoginDto,
  RegisterDto,
  LogoutDto,
  RefreshDto,
  ChangePasswordDto,
  ForgotPasswordDto,
  VerifyEmailDto,
  ResetPasswordDto,
];
const pipes = dtos.map((dto) => new BodyValidationPipe(dto));

/** A JSON body, for every route. */
export async function fuzz(data: Buffer): Promise<void> {
  const text = data.toString('utf8');
  if (!isJson(text)) return;
  for (const pipe of pipes) {
    const dto = await validated(pipe, JSON.parse(text));
    if (dto === null) continue;
    checkFields(dto);
    assert.deepEqual(await validated(pipe, { ...dto }), dto);
  }
}

async function validated(pipe: BodyValidationPipe<object>, body: unknown): Promise<object | null> {
  try {
    return await pipe.transform(body);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    assert.equal(error.code, 'VALIDATION_FAILED');
    checkProblems(error);
    return null;
  }
}

function checkProblems({ fields = [] }: AuthError): void {
  assert(fields.length > 0 && fields.length <= 60);
  for (const { field, message } of fields)
    assert(field.length <= 64 && field.isWellFormed() && message.length > 0 && message.isWellFormed());
}

function checkFields(dto: object): void {
  for (const [name, value] of Object.entries(dto) as [string, unknown][]) {
    assert(value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean');
    if (typeof value !== 'string') continue;
    assert(value.isWellFormed());
    if (name === 'attempt' || name === 'previous') assert.match(value, ATTEMPT);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
