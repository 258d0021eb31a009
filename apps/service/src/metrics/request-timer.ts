import type { IncomingMessage, ServerResponse } from 'node:http';
import { Histogram, type Registry } from 'prom-client';
import type { Operations } from './operations.js';

/** From a guarded read to a login that waits for other slow hashes. */
const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const USUAL_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

type Labels = 'operation' | 'method' | 'status';

/** Measures each request, from its arrival until its answer is complete, on either adapter. */
export class RequestTimer {
  private readonly durations: Histogram<Labels>;

  constructor(
    registry: Registry,
    private readonly operations: Operations,
  ) {
    this.durations = new Histogram({
      name: 'silent_auth_http_request_duration_seconds',
      help: 'Time from the arrival of a request to the end of its response, by operation, method and class of status.',
      labelNames: ['operation', 'method', 'status'],
      buckets: BUCKETS_SECONDS,
      registers: [registry],
    });
    // Failures are rare and watched: `rate()` misses the first one of a series that begins with 1.
    for (const { operation, method } of operations.described)
      this.durations.zero({ operation, method, status: '5xx' });
  }

  /** Must be the first middleware: anything before it is not measured. */
  readonly middleware = (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    const startedAt = performance.now();
    const method = request.method ?? '';
    const operation = this.operations.nameOf(method, request.url ?? '');
    if (operation !== null)
      response.once('close', () => {
        const labels = {
          operation,
          method: USUAL_METHODS.has(method) ? method : 'other',
          status: statusOf(response),
        };
        this.durations.observe(labels, (performance.now() - startedAt) / 1000);
      });
    next();
  };
}

/** `2xx` …; `aborted` if the client left before the answer was complete. */
function statusOf({ writableFinished, statusCode }: ServerResponse): string {
  return writableFinished ? `${Math.floor(statusCode / 100)}xx` : 'aborted';
}
