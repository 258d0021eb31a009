import { type CanActivate, Controller, Get, type Type, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';

/** Runs a Nest application as `peer.ts` asks of a server. */
export async function serve(module: Type): Promise<void> {
  const options = { logger: ['error' as const] };
  const app =
    process.env['HTTP_ADAPTER'] === 'fastify'
      ? await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), options)
      : await NestFactory.create(module, options);
  await app.listen(Number(required('PORT')), '127.0.0.1');
  process.stdout.write('listening\n');
}

export function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** A guarded route, and the same one open. */
export function ordersController(guard: Type<CanActivate>): Type {
  @Controller('orders')
  class OrdersController {
    @Get('guarded')
    @UseGuards(guard)
    guarded() {
      return { ok: true };
    }

    @Get('open')
    open() {
      return { ok: true };
    }
  }
  return OrdersController;
}
