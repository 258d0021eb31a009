import { Prop, raw, Schema, SchemaFactory } from '@nestjs/mongoose';
import type { Types } from 'mongoose';
import type { Transport } from '../core/refresh-token.js';
import type { Predecessor, RevocationReason } from '../core/rotation.js';
import { SCHEMA_OPTIONS } from '../database/native-collection.js';
import type { RecentUse, SessionDevice } from './refresh-token.store.js';

/**
 * One document per session (one login on one device), for its whole life; rotation updates it in place, so its size is
 * bounded. The `_id` is the `sid` of every token of the session.
 */
@Schema({ collection: 'refresh_tokens', ...SCHEMA_OPTIONS })
export class RefreshToken {
  _id!: Types.ObjectId;

  @Prop({ type: String, required: true })
  userId!: string;

  /** The owner's token version when the session began. */
  @Prop({ type: String, required: true })
  tokenVersion!: string;

  /** 0 at login, +1 for each rotation. */
  @Prop({ type: Number, required: true })
  generation!: number;

  /** SHA-256 of the current token's secret. */
  @Prop({ type: String, required: true })
  tokenHash!: string;

  /** The last four replaced secrets, oldest first. */
  @Prop(raw([{ _id: false, hash: String, sealed: String, rotatedAt: Date }]))
  predecessors!: Predecessor[];

  /** When the current generation was made. */
  @Prop({ type: Date, required: true })
  rotatedAt!: Date;

  /** When the current generation was first seen in use; null: no proof yet that the client received it. */
  @Prop({ type: Date, default: null })
  confirmedAt!: Date | null;

  /** When a lost answer of the current generation was first recovered. */
  @Prop({ type: Date, default: null })
  recoveredAt!: Date | null;

  @Prop({ type: Date, required: true })
  createdAt!: Date;

  @Prop({ type: Date, required: true })
  lastUsedAt!: Date;

  /** Idle expiry, never past the absolute one. */
  @Prop({ type: Date, required: true })
  expiresAt!: Date;

  /** Fixed at login. */
  @Prop({ type: Date, required: true })
  absoluteExpiresAt!: Date;

  /** Fixed at login. */
  @Prop({ type: String, enum: ['cookie', 'body'], required: true })
  transport!: Transport;

  @Prop(
    raw({
      _id: false,
      appId: String,
      deviceId: String,
      deviceName: String,
      userAgent: String,
      ip: String,
      fingerprint: String,
    }),
  )
  device!: SessionDevice;

  /** The last five. */
  @Prop(raw([{ _id: false, ip: String, userAgent: String, at: Date }]))
  recentUses!: RecentUse[];

  /** A revoked session stays until it expires, so that later replays are recognised. */
  @Prop({ type: Date, default: null })
  revokedAt!: Date | null;

  @Prop({ type: String, default: null })
  revokedReason!: RevocationReason | null;
}

/** A name of its own: the host may have a model `RefreshToken` on the same connection. */
export const REFRESH_TOKEN_MODEL = 'SilentAuthRefreshToken';

export const RefreshTokenSchema = SchemaFactory.createForClass(RefreshToken);
// MongoDB's TTL monitor lags by a minute or more: every query compares `expiresAt` itself.
RefreshTokenSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
// A user's live sessions, latest use first: the session list, the cap, "log out everywhere".
RefreshTokenSchema.index({ userId: 1, revokedAt: 1, lastUsedAt: -1 });
