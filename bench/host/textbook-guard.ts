import { createSecretKey } from 'node:crypto';
import type { Provider } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';

export const STRING_SECRET_STRATEGY = 'textbook-string-secret';
export const KEY_OBJECT_STRATEGY = 'textbook-key-object';

/** The guard of most tutorials, with the secret as a string as they have it, and with a key object created once. */
export function textbookStrategies(secret: string): Provider[] {
  const key = createSecretKey(Buffer.from(secret, 'utf8'));
  return [
    strategy(STRING_SECRET_STRATEGY, secret),
    // The published type has only strings and buffers.
    strategy(KEY_OBJECT_STRATEGY, key as never),
  ];
}

function strategy(name: string, secretOrKey: string): Provider {
  class TextbookStrategy extends PassportStrategy(Strategy, name) {
    constructor() {
      super({ jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey, algorithms: ['HS256'] });
    }

    validate({ sub, roles }: { sub: string; roles: string[] }) {
      return { id: sub, roles };
    }
  }
  return { provide: name, useClass: TextbookStrategy };
}
