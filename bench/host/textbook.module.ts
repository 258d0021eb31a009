import { type DynamicModule, Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { MongooseModule } from '@nestjs/mongoose';
import { TextbookController } from './textbook.controller.js';
import { TextbookToken, TextbookTokenSchema } from './textbook-token.schema.js';

/** The usual design of refresh tokens: a row per token, which is deleted and inserted again; secrets as strings. */
@Module({})
export class TextbookModule {
  static register({ refresh }: { readonly refresh: string }): DynamicModule {
    return {
      module: TextbookModule,
      imports: [
        MongooseModule.forFeature([{ name: TextbookToken.name, schema: TextbookTokenSchema }]),
        JwtModule.register({ secret: refresh }),
      ],
      controllers: [TextbookController],
    };
  }
}
