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

/** Single-use tokens, as in mailed links: 32 random bytes, stored as a hash, valid once, for one purpose and a limited time. */
@Injectable()
export class ActionTokens {
  constructor(
    @Inject(ACTION_TOKEN_STORE) private readonly store: ActionTokenStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** @returns the token itself, which is not stored anywhere */
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

  /** The stored token, if it is valid for one of these kinds now. Does not use it up. */
  async find(kinds: ActionKind | readonly ActionKind[], token: string): Promise<ActionToken | null> {
    if (!isActionToken(token)) return null;
    const found = await this.store.find(hashSecret(token));
    const now = new Date(this.clock.now());
    return found && [kinds].flat().some((kind) => isGoodFor(found, kind, now)) ? found : null;
  }

  /** Uses the token up. If several calls race, only one gets true. */
  async use({ hash }: ActionToken): Promise<boolean> {
    return this.store.remove(hash);
  }

  /** Invalidates all tokens of a user. */
  async forget(userId: string): Promise<void> {
    await this.store.removeOfUser(userId);
  }
}
