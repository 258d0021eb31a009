import type { Schema } from './open-api.types.js';

/** As the DTOs: beyond it no password is even measured. */
const MAX_PASSWORD_INPUT = 8192;

export interface RequestOptions {
  readonly allowBodyTransport: boolean;
  readonly minPasswordLength: number;
  readonly maxPasswordLength: number;
  /** Whether mail goes out. */
  readonly hasLinks: boolean;
}

export function requestSchemas({
  allowBodyTransport,
  minPasswordLength,
  maxPasswordLength,
  hasLinks,
}: RequestOptions): Record<string, Schema> {
  const device = {
    transport: {
      type: ['string', 'null'],
      enum: allowBodyTransport ? ['cookie', 'body', null] : ['cookie', null],
      description: allowBodyTransport
        ? 'How the refresh token travels for the life of the session: `cookie` (default; browsers) or `body` (mobile and server clients).'
        : 'How the refresh token travels: this service allows the cookie only.',
    },
    appId: optionalText(128, 'Which of your applications this is; shown in the list of sessions.', 'shop'),
    deviceId: optionalText(128, 'The client’s own lasting id of the device.', '8f14e45f'),
    deviceName: optionalText(128, 'Shown in the list of sessions.', 'Ada’s phone'),
  };
  const newPassword: Schema = {
    type: 'string',
    format: 'password',
    minLength: minPasswordLength,
    maxLength: maxPasswordLength,
    description: `${minPasswordLength} to ${maxPasswordLength} characters (code points) of any kind. Too short, too obvious or among the most used: \`WEAK_PASSWORD\`.`,
    examples: ['correct horse battery'],
  };
  const password: Schema = {
    type: 'string',
    format: 'password',
    minLength: 1,
    maxLength: Math.min(maxPasswordLength, MAX_PASSWORD_INPUT),
    examples: ['correct horse battery'],
  };
  return {
    RegisterRequest: {
      type: 'object',
      properties: {
        email: email(true),
        password: newPassword,
        name: { ...optionalText(100, 'As the user wants to be called.', 'Ada'), minLength: 1 },
        ...device,
      },
      required: ['email', 'password'],
      additionalProperties: false,
    },
    LoginRequest: {
      type: 'object',
      properties: { email: email(false), password, ...device },
      required: ['email', 'password'],
      additionalProperties: false,
    },
    RefreshTokenRequest: {
      type: 'object',
      properties: {
        refreshToken: {
          type: ['string', 'null'],
          description:
            'Body transport only. Where it is given, the cookie is not read; the token of a cookie session is refused here.',
        },
      },
      additionalProperties: false,
    },
    ...(hasLinks ? linkRequests(newPassword) : {}),
    ChangePasswordRequest: {
      type: 'object',
      properties: { currentPassword: password, newPassword },
      required: ['currentPassword', 'newPassword'],
      additionalProperties: false,
    },
  };
}

/** Bodies of what is done by links out of mail. */
function linkRequests(newPassword: Schema): Record<string, Schema> {
  const request = (properties: Record<string, Schema>): Schema => ({
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  });
  return {
    ForgotPasswordRequest: request({ email: email(false) }),
    ResetPasswordRequest: request({ token: LINK_TOKEN, newPassword }),
    VerifyEmailRequest: request({ token: LINK_TOKEN }),
  };
}

/** Out of a mail. */
const LINK_TOKEN: Schema = {
  type: 'string',
  maxLength: 128,
  description: 'What stands behind the `#` of the link. Good once.',
};

function email(isNew: boolean): Schema {
  return {
    type: 'string',
    maxLength: 254,
    ...(isNew ? { format: 'email' } : {}),
    description: 'Trimmed, NFKC, lower case: however it is typed, it is the same address.',
    examples: ['ada@example.com'],
  };
}

function optionalText(maxLength: number, description: string, example: string): Schema {
  return { type: ['string', 'null'], maxLength, description, examples: [example] };
}
