import type { OpenApiDocument } from 'nestjs-silent-auth';
import type { MetricsSettings } from '../config/settings.js';

type JsonResponse = NonNullable<OpenApiDocument['paths'][string]['get']>['responses'][string];
/** A response with text; the library has only JSON ones. */
type TextResponse = Omit<JsonResponse, 'content'> & {
  content: { 'text/plain': { schema: { type: string; minLength: number } } };
};

const SCHEME = 'metricsToken';
const noStore = {
  description: 'Never stored.',
  required: true,
  schema: { type: 'string', const: 'no-store' },
};

/** The OpenAPI description of `/metrics`: its path, and how callers authenticate. */
export function describeMetrics({ token }: MetricsSettings) {
  const isOpen = token === null;
  const responses: Record<string, JsonResponse | TextResponse> = isOpen
    ? { 200: SCRAPE }
    : { 200: SCRAPE, 401: REFUSAL };
  const path = {
    get: {
      operationId: 'metrics',
      tags: ['Metrics'],
      summary: 'Counters, durations and gauges of this instance',
      description: 'In the text format of Prometheus, version 0.0.4.',
      security: isOpen ? [] : [{ [SCHEME]: [] }],
      responses,
    },
  };
  const scheme = { type: 'http' as const, scheme: 'bearer', description: 'The token of `METRICS_TOKEN`.' };
  return {
    tag: { name: 'Metrics', description: 'For Prometheus.' },
    path,
    securitySchemes: isOpen ? {} : { [SCHEME]: scheme },
  };
}

const SCRAPE: TextResponse = {
  description: 'The metrics.',
  headers: { 'Cache-Control': noStore },
  content: { 'text/plain': { schema: { type: 'string', minLength: 1 } } },
};

const REFUSAL: JsonResponse = {
  description: 'The token is missing or wrong.',
  headers: {
    'Cache-Control': noStore,
    'WWW-Authenticate': {
      description: 'RFC 6750.',
      required: true,
      schema: { type: 'string', pattern: '^Bearer' },
    },
  },
  content: {
    'application/json': {
      schema: {
        allOf: [
          { $ref: '#/components/schemas/Error' },
          {
            properties: {
              statusCode: { const: 401 },
              code: { enum: ['ACCESS_TOKEN_MISSING', 'ACCESS_TOKEN_INVALID'] },
              error: { const: 'Unauthorized' },
            },
          },
        ],
      },
    },
  },
};
