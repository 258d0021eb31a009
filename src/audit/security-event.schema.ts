import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';
import { type mongo, SchemaTypes } from 'mongoose';
import type { AuthEventName } from '../core/events.js';
import { SCHEMA_OPTIONS } from '../database/native-collection.js';

/** One event of the audit log, written once and never changed. What does not apply is left out. */
@Schema({ collection: 'security_events', ...SCHEMA_OPTIONS })
export class SecurityEventRow {
  /** A UUID of version 7: the order of the ids is the order of time, so each filter needs one index. */
  @Prop({ type: SchemaTypes.UUID, required: true })
  _id!: mongo.Binary;

  @Prop({ type: Date, required: true })
  at!: Date;

  @Prop({ type: String, required: true })
  type!: AuthEventName;

  @Prop({ type: String })
  userId?: string;

  @Prop({ type: String })
  sessionId?: string;

  @Prop({ type: String })
  by?: string;

  @Prop({ type: String })
  ip?: string;

  @Prop({ type: String })
  userAgent?: string;

  @Prop({ type: Object })
  device?: Readonly<Record<string, string>>;

  @Prop({ type: String })
  reason?: string;

  @Prop({ type: Object })
  evidence?: Readonly<Record<string, unknown>>;

  /** In the row, not in the index: a change of `audit.retention` needs no new index. */
  @Prop({ type: Date, required: true })
  expiresAt!: Date;
}

/** A name of its own: the host may have a model `SecurityEvent` on the same connection. */
export const SECURITY_EVENT_MODEL = 'SilentAuthSecurityEvent';

export const SecurityEventSchema = SchemaFactory.createForClass(SecurityEventRow);
SecurityEventSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
SecurityEventSchema.index({ userId: 1, _id: -1 });
SecurityEventSchema.index({ type: 1, _id: -1 });
