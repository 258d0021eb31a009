import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import {
  ACTION_TTL_MS,
  type ActionKind,
  type ActionToken,
  isActionToken,
  isGoodFor,
} from '../core/action-token.js';
import { CLOCK, type Clock } from '../core/ports.js';
import { hashSecret, SECRET_BYTES } from '../core/successor-seal.js';
import { ACTION_TOKEN_STORE, type ActionTokenStore } from './action-token.store.js';

/** Tokens that go out by mail: 32 random bytes, kept as a hash, good once, for one thing and for a while. */
@Injectable()
export class ActionTokens {
  constructor(
    @Inject(ACTION_TOKEN_STORE) private readonly store: ActionTokenStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** @returns the token itself, which nothing keeps */
  async issue(
    kind: ActionKind,
    userId: string,
    binding: string,
  ): Promise<{ readonly token: string; readonly expiresAt: Date }> {
    const token = randomBytes(SECRET_BYTES).toString('base64url');
    const expiresAt = new Date(this.clock.now() + ACTION_TTL_MS[kind]);
    await this.store.add({ hash: hashSecret(token), kind, userId, binding, expiresAt });
    return { token, expiresAt };
  }

  /** The token, if it is good for one of these now; looking does not use it up. */
  async find(kinds: ActionKind | readonly ActionKind[], token: string): Promise<ActionToken | null> {
    if (!isActionToken(token)) return null;
    const found = await this.store.find(hashSecret(token));
    const now = new Date(this.clock.now());
    return found && [kinds].flat().some((kind) => isGoodFor(found, kind, now)) ? found : null;
  }

  /** Uses it up. Of several at once one gets true. */
  async use({ hash }: ActionToken): Promise<boolean> {
    return this.store.remove(hash);
  }

  /** Forgets every link that a user was sent. */
  async forget(userId: string): Promise<void> {
    await this.store.removeOfUser(userId);
  }
}
