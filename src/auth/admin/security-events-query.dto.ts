import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { AUTH_EVENT_NAMES, type AuthEventName } from '../../core/events.js';

/** A day, or a date-time with a time zone (RFC 3339). */
export const MOMENT = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** The query of `GET /auth/admin/events`. */
export class SecurityEventsQueryDto {
  @IsOptional()
  @IsString()
  @MaxLength(128)
  userId?: string;

  @IsOptional()
  @IsIn(AUTH_EVENT_NAMES)
  type?: AuthEventName;

  @IsOptional()
  @Matches(MOMENT, { message: 'from must be a date or a date-time with a zone' })
  from?: string;

  @IsOptional()
  @Matches(MOMENT, { message: 'to must be a date or a date-time with a zone' })
  to?: string;

  @IsOptional()
  @Matches(/^(?:[1-9]\d?|1\d\d|200)$/, { message: 'limit must be a whole number from 1 to 200' })
  limit?: string;

  @IsOptional()
  @IsString()
  @MaxLength(64)
  cursor?: string;
}
