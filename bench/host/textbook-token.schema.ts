import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';

@Schema({ collection: 'textbook_tokens' })
export class TextbookToken {
  @Prop({ type: String, required: true, unique: true })
  jti!: string;

  @Prop({ type: String, required: true })
  userId!: string;

  /** SHA-256, or bcrypt. */
  @Prop({ type: String, required: true })
  tokenHash!: string;

  @Prop({ type: Date, required: true })
  expiresAt!: Date;
}

export const TextbookTokenSchema = SchemaFactory.createForClass(TextbookToken);
