import { IsString, MaxLength } from 'class-validator';
import { MAX_PASSWORD_UNITS, NormalizedEmail } from '../session/dto/auth.dto.js';

export class ForgotPasswordDto {
  @NormalizedEmail()
  @IsString()
  @MaxLength(254)
  email!: string;
}

export class VerifyEmailDto {
  @IsString()
  @MaxLength(128)
  token!: string;
}

export class ResetPasswordDto extends VerifyEmailDto {
  @IsString()
  @MaxLength(MAX_PASSWORD_UNITS)
  newPassword!: string;
}
