import { Transform } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  MinLength,
  ValidateBy,
} from 'class-validator';
import { ATTEMPT } from '../../../core/attempt.js';
import { isEmailAddress, normalizeEmail } from '../../../core/email.js';
import { printable } from '../../../core/printable.js';
import { type Transport, TRANSPORTS } from '../../../core/refresh-token.js';

/** As the password policy's greatest maximum; the policy itself, in code points, is the service's. */
export const MAX_PASSWORD_UNITS = 8192;

export const NormalizedEmail = () =>
  Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? normalizeEmail(value) : value));

/** By the name that OpenAPI knows. */
export const IsEmailAddress = () =>
  ValidateBy({
    name: 'isEmail',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && isEmailAddress(value),
      defaultMessage: () => '$property must be an e-mail address',
    },
  });

/** It is shown in lists, and stands in events. */
export const Printable = () =>
  Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? printable(value) : value));

/** Random, drawn and stored by the client before it is sent. */
const IsAttempt = () => Matches(ATTEMPT, { message: '$property must be 16 random bytes in base64url' });

/** How the session's refresh token travels, and what the client says of its device. */
class SessionRequestDto {
  @IsOptional()
  @IsIn(TRANSPORTS)
  transport?: Transport | null;

  @Printable()
  @IsOptional()
  @IsString()
  @MaxLength(128)
  appId?: string | null;

  @Printable()
  @IsOptional()
  @IsString()
  @MaxLength(128)
  deviceId?: string | null;

  @Printable()
  @IsOptional()
  @IsString()
  @MaxLength(128)
  deviceName?: string | null;

  /** False: the session ends with the browser. */
  @IsOptional()
  @IsBoolean()
  rememberMe?: boolean | null;

  @IsOptional()
  @IsAttempt()
  attempt?: string | null;
}

export class LoginDto extends SessionRequestDto {
  @NormalizedEmail()
  @IsString()
  @MaxLength(254)
  email!: string;

  @IsString()
  @MinLength(1)
  @MaxLength(MAX_PASSWORD_UNITS)
  password!: string;
}

export class RegisterDto extends SessionRequestDto {
  @NormalizedEmail()
  @IsEmailAddress()
  @MaxLength(254)
  email!: string;

  @IsString()
  @MaxLength(MAX_PASSWORD_UNITS)
  password!: string;

  @Printable()
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(100)
  name?: string | null;
}

export class LogoutDto {
  @IsOptional()
  @IsString()
  refreshToken?: string | null;
}

export class RefreshDto extends LogoutDto {
  @IsOptional()
  @IsAttempt()
  attempt?: string | null;

  /** The attempt before: without a new one it says nothing. */
  @IsOptional()
  @IsAttempt()
  previous?: string | null;

  @IsOptional()
  @IsBoolean()
  relay?: boolean | null;
}

export class ReauthenticateDto {
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_PASSWORD_UNITS)
  password!: string;
}

export class ChangePasswordDto {
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_PASSWORD_UNITS)
  currentPassword!: string;

  @IsString()
  @MaxLength(MAX_PASSWORD_UNITS)
  newPassword!: string;

  @IsOptional()
  @IsAttempt()
  attempt?: string | null;
}
