import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';
import type { ActionKind } from '../core/action-token.js';
import { SCHEMA_OPTIONS } from '../database/native-collection.js';

/** A single-use token, as a mailed link or a ticket contains it. */
@Schema({ collection: 'action_tokens', ...SCHEMA_OPTIONS })
export class ActionTokenRow {
  /** SHA-256 of the token, base64url. */
  @Prop({ type: String, required: true })
  _id!: string;

  @Prop({ type: String, required: true })
  kind!: ActionKind;

  @Prop({ type: String, required: true })
  userId!: string;

  @Prop({ type: String, required: true })
  binding!: string;

  @Prop({ type: Date, required: true })
  expiresAt!: Date;
}

/** A distinct name: the host may have its own model `ActionToken` on the same connection. */
export const ACTION_TOKEN_MODEL = 'SilentAuthActionToken';

export const ActionTokenSchema = SchemaFactory.createForClass(ActionTokenRow);
// MongoDB's TTL monitor lags by a minute or more, so every reader compares `expiresAt` itself.
ActionTokenSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
// A change of the password ends every link of the user.
ActionTokenSchema.index({ userId: 1 });
