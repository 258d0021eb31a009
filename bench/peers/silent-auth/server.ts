/** The product, as an adopter sets it up, behind a guarded and an open route. */
import { randomBytes } from 'node:crypto';
import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { AuthModule, JwtAuthGuard } from 'nestjs-silent-auth';
import { ordersController, required, serve } from '../nest-server.js';

const newSecret = () => randomBytes(36).toString('base64url');

@Module({
  imports: [
    MongooseModule.forRoot(required('MONGODB_URI')),
    AuthModule.forRoot({
      issuer: 'https://bench.example.com',
      keys: { access: [newSecret()], refresh: [newSecret()] },
      // Logins are preparation.
      password: { bcryptCost: 4 },
      // All clients share one address.
      throttle: false,
    }),
  ],
  controllers: [ordersController(JwtAuthGuard)],
})
class ServerModule {}

await serve(ServerModule);
