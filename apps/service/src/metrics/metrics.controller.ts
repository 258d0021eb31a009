import { Controller, Get, Header, UseGuards } from '@nestjs/common';
import { Public } from 'nestjs-silent-auth';
import { Registry } from 'prom-client';
import { MetricsTokenGuard } from './metrics-token.guard.js';

@Public()
@Controller('metrics')
@UseGuards(MetricsTokenGuard)
export class MetricsController {
  constructor(private readonly registry: Registry) {}

  /** In the text format of Prometheus. */
  @Get()
  @Header('Content-Type', Registry.PROMETHEUS_CONTENT_TYPE)
  @Header('Cache-Control', 'no-store')
  metrics(): Promise<string> {
    return this.registry.metrics();
  }
}
