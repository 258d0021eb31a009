import { IsOptional, IsString, MaxLength, MinLength } from 'class-validator';
import { IsEmailAddress, MAX_PASSWORD_UNITS, NormalizedEmail } from '../session/dto/auth.dto.js';

export class DeleteAccountDto {
  /** Required if the user has a password. */
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_PASSWORD_UNITS)
  currentPassword?: string | null;
}

export class ChangeEmailDto extends DeleteAccountDto {
  @NormalizedEmail()
  @IsEmailAddress()
  @MaxLength(254)
  email!: string;
}
