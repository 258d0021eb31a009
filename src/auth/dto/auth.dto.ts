import { Transform } from 'class-transformer';
import { IsEmail, IsIn, IsOptional, IsString, MaxLength, MinLength } from 'class-validator';
import { normalizeEmail } from '../../core/email.js';
import { type Transport, TRANSPORTS } from '../../core/refresh-token.js';

/** As the password policy's greatest maximum; the policy itself, in code points, is the service's. */
export const MAX_PASSWORD_UNITS = 8192;

export const NormalizedEmail = () =>
  Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? normalizeEmail(value) : value));

/** How the session's refresh token travels, and what the client says of its device. */
class SessionRequestDto {
  @IsOptional()
  @IsIn(TRANSPORTS)
  transport?: Transport | null;

  @IsOptional()
  @IsString()
  @MaxLength(128)
  appId?: string | null;

  @IsOptional()
  @IsString()
  @MaxLength(128)
  deviceId?: string | null;

  @IsOptional()
  @IsString()
  @MaxLength(128)
  deviceName?: string | null;
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
  @IsEmail()
  @MaxLength(254)
  email!: string;

  @IsString()
  @MaxLength(MAX_PASSWORD_UNITS)
  password!: string;

  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(100)
  name?: string | null;
}

export class RefreshDto {
  @IsOptional()
  @IsString()
  refreshToken?: string | null;
}

export class ChangePasswordDto {
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_PASSWORD_UNITS)
  currentPassword!: string;

  @IsString()
  @MaxLength(MAX_PASSWORD_UNITS)
  newPassword!: string;
}
