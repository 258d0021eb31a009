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

/** Asked for by machines, again and again: they would hide what people wait for. */
const LEFT_OUT = new Set(['Health', 'Metrics']);

/** What the service counts and measures of itself, at `/metrics`. */
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
        // Of this application: the global one of prom-client would be shared by all that run in a process.
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

/** The labels tell instances apart. */
function describedRegistry({ httpAdapter, redis }: AppConfig, version: string): Registry {
  const registry = new Registry();
  const labels = {
    version,
    http_adapter: httpAdapter,
    revocation_store: redis === null ? 'mongodb' : 'redis',
  };
  new Gauge({
    name: 'silent_auth_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: Object.keys(labels),
    registers: [registry],
  }).set(labels, 1);
  return registry;
}
