import { type DynamicModule, Module } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import type { AppConfig } from '../config/config.js';
import type { MetricsSettings } from '../config/settings.js';
import { EventCounter } from './event-counter.js';
import { MetricsController } from './metrics.controller.js';
import { METRICS_SETTINGS, MetricsTokenGuard } from './metrics-token.guard.js';
import { type DescribedPaths, Operations } from './operations.js';
import { RequestTimer } from './request-timer.js';
import { StateGauges } from './state-gauges.js';

/** Polled by machines: they would hide the requests that people wait for. */
const LEFT_OUT = new Set(['Health', 'Metrics']);

/** The metrics of the service, at `/metrics`. */
@Module({})
export class MetricsModule {
  static register(
    config: AppConfig,
    settings: MetricsSettings,
    document: { info: { version: string }; paths: DescribedPaths },
  ): DynamicModule {
    return {
      module: MetricsModule,
      controllers: [MetricsController],
      providers: [
        // One registry for each application: all applications in a process would share prom-client's global one.
        { provide: Registry, useFactory: () => describedRegistry(config, document.info.version) },
        { provide: METRICS_SETTINGS, useValue: settings },
        MetricsTokenGuard,
        EventCounter,
        StateGauges,
        {
          provide: RequestTimer,
          useFactory: (registry: Registry) =>
            new RequestTimer(registry, new Operations(document.paths, LEFT_OUT)),
          inject: [Registry],
        },
      ],
    };
  }
}

/** The labels distinguish instances. */
function describedRegistry({ httpAdapter, redis }: AppConfig, version: string): Registry {
  const registry = new Registry();
  const labels = {
    version,
    http_adapter: httpAdapter,
    revocation_store: redis === null ? 'mongodb' : 'redis',
  };
  new Gauge({
    name: 'silent_auth_info',
    help: 'Always 1; the labels describe the running version.',
    labelNames: Object.keys(labels),
    registers: [registry],
  }).set(labels, 1);
  return registry;
}
