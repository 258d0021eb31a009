import { Prop, raw, Schema, SchemaFactory } from '@nestjs/mongoose';
import type { mongo, Types } from 'mongoose';
import type { Transport } from '../core/refresh-token.js';
import type { RecentUse, SessionDevice } from '../core/refresh-token.store.js';
import type { AbandonedSecret, Predecessor, RevocationReason } from '../core/rotation.js';
import type { SharedUse } from '../core/shared-use.js';
import { SCHEMA_OPTIONS } from '../database/native-collection.js';

/** Attempts as they are stored; missing if there is none. */
export interface AttemptsRow {
  attempt?: mongo.Binary;
  formerAttempts?: mongo.Binary[];
}

/** A predecessor as it is stored: the fields of version 0.1, plus newer optional ones. */
export type PredecessorRow = Pick<Predecessor, 'hash' | 'sealed' | 'rotatedAt'> &
  AttemptsRow & { gen?: number; displacedAt?: Date };

/** An abandoned secret as it is stored. */
export type AbandonedRow = Pick<AbandonedSecret, 'abandonedAt'> &
  AttemptsRow & { hash: mongo.Binary; gen?: number; sealed: mongo.Binary };

const FORMER = {
  _id: false,
  gen: Number,
  attempt: Buffer,
  formerAttempts: { type: [Buffer], default: undefined },
};

/**
 * One document per session (one login on one device). Rotation updates it in place, so its size is bounded. The `_id` is
 * the `sid` of every token of the session.
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

  /** The last four replaced secrets, oldest first. A `displacedAt` of null is not stored. */
  @Prop(raw([{ ...FORMER, hash: String, sealed: String, rotatedAt: Date, displacedAt: Date }]))
  predecessors!: PredecessorRow[];

  /** The last four secrets whose responses no honest client holds, by generation; missing in documents of 0.1. */
  @Prop(raw([{ ...FORMER, hash: Buffer, sealed: Buffer, abandonedAt: Date }]))
  abandoned?: AbandonedRow[];

  /** When the current generation was made, by the database's clock. */
  @Prop({ type: Date, required: true })
  rotatedAt!: Date;

  /** When the current generation was first seen in use; null while nothing proves that the client received it. */
  @Prop({ type: Date, default: null })
  confirmedAt!: Date | null;

  /** Always null. Instances of 0.1 that still run during a deployment cannot read sessions without this field. */
  @Prop({ type: Date, default: null })
  recoveredAt?: null;

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

  /** Thumbprint of the key that the session is bound to, fixed at login; missing if there is none. */
  @Prop({ type: String })
  jkt?: string;

  /** The key of the browser that the session is bound to; missing if there is none. */
  @Prop({ type: String })
  deviceKey?: string | undefined;

  /** When the user last proved who they are; missing in documents of 0.1. */
  @Prop({ type: Date })
  authTime?: Date | undefined;

  /** How they did it (RFC 8176); missing in documents of 0.1. */
  @Prop({ type: [String], default: undefined })
  amr?: string[] | undefined;

  /** False if the session ends when the browser closes; missing otherwise. */
  @Prop({ type: Boolean })
  remember?: false | undefined;

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

  /** The last five uses, oldest first. */
  @Prop(raw([{ _id: false, ip: String, userAgent: String, at: Date, proof: String }]))
  recentUses!: RecentUse[];

  /** Generations in a row that were served to two networks; missing if there were none. */
  @Prop(raw({ _id: false, generation: Number, pair: String, generations: Number }))
  sharedUse?: SharedUse | null;

  /** A revoked session stays until it expires, so that later replays are recognised. */
  @Prop({ type: Date, default: null })
  revokedAt!: Date | null;

  @Prop({ type: String, default: null })
  revokedReason!: RevocationReason | null;
}

/** A distinctive name, because the host may have a model `RefreshToken` on the same connection. */
export const REFRESH_TOKEN_MODEL = 'SilentAuthRefreshToken';

export const RefreshTokenSchema = SchemaFactory.createForClass(RefreshToken);
// MongoDB's TTL monitor lags by a minute or more, so every query also compares `expiresAt`.
RefreshTokenSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
// For a user's live sessions, latest use first: the session list, the cap, "log out everywhere".
RefreshTokenSchema.index({ userId: 1, revokedAt: 1, lastUsedAt: -1 });
// For `hasDevice`, which runs for every password attempt in body transport. It reads at most one document, however many
// sessions the device or the user has.
RefreshTokenSchema.index(
  { userId: 1, 'device.deviceId': 1, tokenVersion: 1 },
  { partialFilterExpression: { 'device.deviceId': { $gt: '' } } },
);
