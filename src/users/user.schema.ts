import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';
import type { Types } from 'mongoose';
import { SCHEMA_OPTIONS } from '../database/native-collection.js';

@Schema({ collection: 'users', ...SCHEMA_OPTIONS })
export class User {
  _id!: Types.ObjectId;

  /** As returned by `normalizeEmail`. */
  @Prop({ type: String, required: true })
  email!: string;

  @Prop({ type: String })
  name?: string;

  @Prop({ type: [String], required: true })
  roles!: string[];

  @Prop({ type: String, required: true })
  passwordHash!: string;

  /** Random; tokens that were minted under another version are invalid. */
  @Prop({ type: String, required: true })
  tokenVersion!: string;

  @Prop({ type: Date, default: null })
  disabledAt!: Date | null;

  /** When the user proved that the address is theirs. */
  @Prop({ type: Date, default: null })
  emailVerifiedAt?: Date | null | undefined;

  @Prop({ type: Date, required: true })
  createdAt!: Date;
}

export const UserSchema = SchemaFactory.createForClass(User);
UserSchema.index({ email: 1 }, { unique: true });

/** A distinct name: the host may have its own model `User` on the same connection. */
export const USER_MODEL = 'SilentAuthUser';
