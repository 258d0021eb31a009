import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { OrdersModule } from './orders.module.js';

const { ISSUER = 'http://localhost:3000', PORT = '3001' } = process.env;

const app = await NestFactory.create(OrdersModule.forRoot(ISSUER));
app.enableShutdownHooks();
await app.listen(Number(PORT), '127.0.0.1');
