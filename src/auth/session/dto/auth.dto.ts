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

/** The largest possible maximum of the password policy. The service checks the policy itself, in code points. */
export const MAX_PASSWORD_UNITS = 8192;

export const NormalizedEmail = () =>
  Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? normalizeEmail(value) : value));

/** Named `isEmail`, as OpenAPI generators expect. */
export const IsEmailAddress = () =>
  ValidateBy({
    name: 'isEmail',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && isEmailAddress(value),
      defaultMessage: () => '$property must be an e-mail address',
    },
  });

/** Removes control characters: the value appears in lists and events. */
export const Printable = () =>
  Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? printable(value) : value));

/** A random id that the client stores before it sends the request. */
const IsAttempt = () => Matches(ATTEMPT, { message: '$property must be 16 random bytes in base64url' });

/** The transport of the refresh token, and what the client says about its device. */
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

  /** If false, the session ends when the browser closes. */
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

  /** The previous attempt; ignored without a new one. */
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
