import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';
import type { mongo } from 'mongoose';
import type { AuthEventName } from '../core/events.js';
import { SCHEMA_OPTIONS } from '../database/native-collection.js';

/** One event of the audit log, written once and never changed. Fields that do not apply are absent. */
@Schema({ collection: 'security_events', ...SCHEMA_OPTIONS })
export class SecurityEventRow {
  /** A UUID of version 7: ids sort by time, so each filter needs only one index. */
  @Prop({ type: 'UUID', required: true })
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

  /** A field, not an option of the index: a change of `audit.retention` then needs no new index. */
  @Prop({ type: Date, required: true })
  expiresAt!: Date;
}

/** A distinctive name, because the host may have a model `SecurityEvent` on the same connection. */
export const SECURITY_EVENT_MODEL = 'SilentAuthSecurityEvent';

export const SecurityEventSchema = SchemaFactory.createForClass(SecurityEventRow);
SecurityEventSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
SecurityEventSchema.index({ userId: 1, _id: -1 });
SecurityEventSchema.index({ type: 1, _id: -1 });
SecurityEventSchema.index({ userId: 1, type: 1, _id: -1 });
