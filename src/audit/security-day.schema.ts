import { Prop, raw, Schema, SchemaFactory } from '@nestjs/mongoose';
import type { AuthEventName } from '../core/events.js';
import { SCHEMA_OPTIONS } from '../database/native-collection.js';
import type { TopEntry } from './top-counter.js';

const TOP = raw([{ _id: false, key: String, count: Number, error: Number }]);

/**
 * Daily counters, which reports read instead of events. Each day (UTC) has one document per type of event (`<day> <type>`)
 * with its `count` and `reasons`, and one per process that saw failed logins (`<day> top <instance>`) with bounded lists.
 */
@Schema({ collection: 'security_daily', ...SCHEMA_OPTIONS })
export class SecurityDay {
  @Prop({ type: String, required: true })
  _id!: string;

  /** `YYYY-MM-DD` */
  @Prop({ type: String, required: true })
  day!: string;

  @Prop({ type: String })
  type?: AuthEventName;

  @Prop({ type: Number })
  count?: number;

  /** The count by reason; keys are field names (`reasonToField`). Earlier versions do not write it. */
  @Prop({ type: Object })
  reasons?: Readonly<Record<string, number>>;

  @Prop({ type: String })
  instance?: string;

  @Prop(TOP)
  sources?: readonly TopEntry[];

  @Prop(TOP)
  targets?: readonly TopEntry[];

  @Prop({ type: Date, required: true })
  expiresAt!: Date;
}

/** A distinctive name, because the host may have a model `SecurityDay` on the same connection. */
export const SECURITY_DAY_MODEL = 'SilentAuthSecurityDay';

export const SecurityDaySchema = SchemaFactory.createForClass(SecurityDay);
SecurityDaySchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
SecurityDaySchema.index({ day: 1 });
