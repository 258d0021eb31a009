import { IsArray, IsIn, IsOptional, IsString, Matches, MaxLength, MinLength } from 'class-validator';
import { MAX_REASON } from '../../core/limits.js';
import { NormalizedEmail, Printable } from '../session/dto/auth.dto.js';

/** The query of `GET /auth/admin/users`. */
export class UsersQueryDto {
  @NormalizedEmail()
  @IsOptional()
  @IsString()
  @MaxLength(254)
  email?: string;

  @IsOptional()
  @IsString()
  @MaxLength(64)
  role?: string;

  @IsOptional()
  @IsIn(['true', 'false'])
  disabled?: string;

  @IsOptional()
  @Matches(/^(?:[1-9]\d?|1\d\d|200)$/, { message: 'limit must be a whole number from 1 to 200' })
  limit?: string;

  @IsOptional()
  @IsString()
  @MaxLength(512)
  cursor?: string;
}

/** The body of `PUT /auth/admin/users/:id/roles`. The service checks the number and length of the roles. */
export class RolesDto {
  @IsArray()
  @IsString({ each: true })
  roles!: string[];
}

/** The body of `POST /auth/admin/users/:id/impersonate`. */
export class ImpersonateDto {
  @Printable()
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_REASON)
  reason!: string;
}
