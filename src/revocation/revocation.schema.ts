import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';
import { SCHEMA_OPTIONS } from '../database/native-collection.js';

/** One revocation. The server's clock sets `at`, the timestamp by which processes read. */
@Schema({ collection: 'revocations', ...SCHEMA_OPTIONS })
export class Revocation {
  /** The `RevocationKey`, such as `jti:…`, `sid:…` or `ver:…` */
  @Prop({ type: String, required: true })
  _id!: string;

  @Prop({ type: Date, required: true })
  at!: Date;

  @Prop({ type: Date, required: true })
  expiresAt!: Date;
}

export const RevocationSchema = SchemaFactory.createForClass(Revocation);
RevocationSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
RevocationSchema.index({ at: 1 });

/** A distinct name: the host may have its own model `Revocation` on the same connection. */
export const REVOCATION_MODEL = 'SilentAuthRevocation';
