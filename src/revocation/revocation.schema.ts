import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';
import { SCHEMA_OPTIONS } from '../database/native-collection.js';

/** One revocation. The server's clock sets `at`, by which processes read. */
@Schema({ collection: 'revocations', ...SCHEMA_OPTIONS })
export class Revocation {
  /** `jti:…`, `sid:…` or `ver:…` */
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

/** A name of its own: the host may have a model `Revocation` on the same connection. */
export const REVOCATION_MODEL = 'SilentAuthRevocation';
