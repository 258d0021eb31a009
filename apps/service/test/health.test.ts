import { expect, it } from '@jest/globals';
import type { HealthCheckService, HealthIndicatorService, MongooseHealthIndicator } from '@nestjs/terminus';
import type { RevocationService } from 'nestjs-silent-auth';
import { HealthController } from '../src/app/health.controller.js';

it('requests at the same time share one ping of the database, and later ones ask again', async () => {
  let pings = 0;
  const mongoose = {
    pingCheck: () => {
      pings += 1;
      return Promise.resolve({ mongodb: { status: 'up', host: 'db.internal' } });
    },
  };
  const health = { check: ([database]: (() => unknown)[]) => Promise.resolve(database?.()) };
  const controller = new HealthController(
    health as unknown as HealthCheckService,
    mongoose as unknown as MongooseHealthIndicator,
    {} as HealthIndicatorService,
    {} as RevocationService,
  );
  const answers = await Promise.all(Array.from({ length: 50 }, () => controller.ready()));
  expect(answers).toEqual(answers.map(() => ({ mongodb: { status: 'up' } })));
  expect(pings).toBe(1);
  await controller.ready();
  expect(pings).toBe(2);
});
