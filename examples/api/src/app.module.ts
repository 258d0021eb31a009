import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { AuthModule } from 'nestjs-silent-auth';
import { OrdersController } from './orders.controller.js';

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}: see examples/README.md`);
  return value;
}

/** Whether a server renders the pages, as in `examples/rendered`. */
const isRendered = process.env['RENDERED_PAGES'] === 'true';

@Module({
  imports: [
    MongooseModule.forRootAsync({
      useFactory: () => ({ uri: required('MONGODB_URI'), serverSelectionTimeoutMS: 5_000 }),
    }),
    AuthModule.forRootAsync({
      // Every route needs an access token, unless it is `@Public()`.
      globalGuard: true,
      useFactory: () => ({
        issuer: process.env['ISSUER'] ?? 'http://localhost:3000',
        keys: { access: [required('JWT_ACCESS_KEY')], refresh: [required('JWT_REFRESH_KEY')] },
        accessToken: { ttl: process.env['ACCESS_TOKEN_TTL'] ?? '15m' },
        refreshToken: {
          // For pages that a server renders: it refreshes on behalf of the browser.
          allowRelay: isRendered,
          cookie: {
            // Plain HTTP on this machine; behind TLS leave it out.
            secure: process.env['NODE_ENV'] === 'production',
            // A link from elsewhere to a rendered page must bring the cookie.
            sameSite: isRendered ? 'lax' : 'strict',
          },
        },
        // Pages on another origin than the API's would be named here: trustedOrigins: ['https://app.example.com']
      }),
    }),
  ],
  controllers: [OrdersController],
})
export class AppModule {}
