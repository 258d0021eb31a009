import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { ParseErrorFilter } from 'nestjs-silent-auth';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule);
app.useGlobalFilters(app.get(ParseErrorFilter));
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1');
