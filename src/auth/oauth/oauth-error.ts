import { HttpException } from '@nestjs/common';

/** The codes of RFC 6749 §5.2 and §4.1.2.1 and of RFC 7009 §2.2.1 that the two endpoints use. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'unsupported_token_type'
  | 'temporarily_unavailable'
  | 'server_error';

/** The error shape of the OAuth endpoints (RFC 6749 §5.2). */
export interface OAuthErrorAnswer {
  readonly error: OAuthErrorCode;
  readonly error_description: string;
}

/** A refusal in the shape of the RFCs: 401 for `invalid_client`, otherwise 400. */
export class OAuthError extends HttpException {
  constructor(
    readonly code: 'invalid_request' | 'invalid_client' | 'unsupported_token_type',
    description: string,
  ) {
    super({ error: code, error_description: description }, code === 'invalid_client' ? 401 : 400);
  }
}

/** The challenge for client credentials (RFC 7617). */
export const BASIC_CHALLENGE = 'Basic realm="introspection", charset="UTF-8"';
