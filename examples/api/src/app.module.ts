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
          // For server-rendered pages: their server refreshes on behalf of the browser.
          allowRelay: isRendered,
          cookie: {
            // False for plain HTTP on this machine; remove this line if you use TLS.
            secure: process.env['NODE_ENV'] === 'production',
            // A link from another site to a rendered page must carry the cookie.
            sameSite: isRendered ? 'lax' : 'strict',
          },
        },
        // If your pages have another origin than the API, add it: trustedOrigins: ['https://app.example.com']
      }),
    }),
  ],
  controllers: [OrdersController],
})
export class AppModule {}
