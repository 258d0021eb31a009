import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MongooseModule } from '@nestjs/mongoose';
import { AuthModule, ParseErrorFilter } from 'nestjs-silent-auth';
import { type LinkMailer, MagicLinkModule } from './magic-link.module.js';

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}: see examples/README.md`);
  return value;
}

const issuer = process.env['ISSUER'] ?? 'http://localhost:3000';

// For development only: use your mail server here, and never log a link.
const mailer: LinkMailer = {
  sendLink: async (to, link) => console.log(`mail to ${to}: ${link}`),
};

@Module({
  imports: [
    MongooseModule.forRoot(required('MONGODB_URI')),
    AuthModule.forRoot({
      issuer,
      keys: { access: [required('JWT_ACCESS_KEY')], refresh: [required('JWT_REFRESH_KEY')] },
      refreshToken: { cookie: { secure: issuer.startsWith('https:') } },
    }),
    MagicLinkModule.forRoot({ origin: issuer, mailer }),
  ],
})
class AppModule {}

const app = await NestFactory.create(AppModule);
app.useGlobalFilters(app.get(ParseErrorFilter));
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1');
