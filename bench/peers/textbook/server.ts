/** The usual design of the tutorials alone: passport-jwt and a row per refresh token. */
import { randomBytes } from 'node:crypto';
import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { AuthGuard } from '@nestjs/passport';
import { TextbookModule } from '../../host/textbook.module.js';
import { STRING_SECRET_STRATEGY, textbookStrategies } from '../../host/textbook-guard.js';
import { ordersController, required, serve } from '../nest-server.js';

const secret = randomBytes(36).toString('base64url');

@Module({
  imports: [MongooseModule.forRoot(required('MONGODB_URI')), TextbookModule.register({ refresh: secret })],
  controllers: [ordersController(AuthGuard(STRING_SECRET_STRATEGY))],
  providers: textbookStrategies(secret),
})
class ServerModule {}

await serve(ServerModule);
