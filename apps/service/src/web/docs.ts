import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { SwaggerModule } from '@nestjs/swagger';
import { AuthHttp, type OpenApiDocument, openApiDocument } from 'nestjs-silent-auth';
import type { AppConfig } from '../config/config.js';
import { describeMetrics } from '../metrics/describe-metrics.js';
import { servePage } from './page-files.js';
import { docsPage } from './pages.js';

type PathItem = OpenApiDocument['paths'][string];
type Schema = OpenApiDocument['components']['schemas'][string];

/** Serves the OpenAPI document at `/docs-json`, and a page to read and try it at `/docs`, all from this host. */
export function serveDocs(app: INestApplication, config: AppConfig): void {
  app.use(oneAddress);
  app.use(servePage(docsPage(config), app.get(AuthHttp)));
  SwaggerModule.setup('docs', app, serviceDocument(config), {
    raw: ['json'],
    customSiteTitle: 'Silent Auth',
    swaggerOptions: { validatorUrl: null, displayRequestDuration: true },
  });
}

/** The page's links are relative to `/docs`; at `/docs/` Swagger UI would show a page of its own. */
function oneAddress({ url }: IncomingMessage, response: ServerResponse, next: () => void): void {
  if (url !== '/docs/') return next();
  response.writeHead(301, { Location: '../docs' }).end();
}

/** The library's routes and the service's own. */
export function serviceDocument(config: AppConfig) {
  const document = openApiDocument({ ...config.auth, version: packageVersion() });
  document.tags.push({ name: 'Health', description: 'For load balancers and orchestrators.' });
  document.paths['/health/live'] = health('live', 'Whether the process runs', { 200: LIVE });
  document.paths['/health/ready'] = health('ready', 'Whether the service can work: its database answers', {
    200: { ...READY, description: 'Ready.' },
    503: { ...READY, description: 'Not ready: send requests elsewhere.' },
  });
  if (!config.metrics) return document;
  const { tag, path, securitySchemes } = describeMetrics(config.metrics);
  document.tags.push(tag);
  Object.assign(document.components.securitySchemes, securitySchemes);
  return { ...document, paths: { ...document.paths, '/metrics': path } };
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

const headers = {
  'Cache-Control': {
    description: 'Never stored.',
    required: true,
    schema: { type: 'string', const: 'no-store' },
  },
};

const LIVE = {
  description: 'It runs.',
  headers,
  content: {
    'application/json': {
      schema: {
        type: 'object',
        properties: { status: { const: 'ok' } },
        required: ['status'],
        additionalProperties: false,
      },
    },
  },
};

/** The health of each dependency, by name. */
const PARTS: Schema = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    properties: { status: { type: 'string', enum: ['up', 'down'] }, message: { type: 'string' } },
    required: ['status'],
  },
};

const READY = {
  headers,
  content: {
    'application/json': {
      schema: {
        type: 'object',
        properties: {
          status: { type: 'string', enum: ['ok', 'error', 'shutting_down'] },
          info: PARTS,
          error: PARTS,
          details: PARTS,
        },
        required: ['status', 'info', 'error', 'details'],
        additionalProperties: false,
      },
    },
  },
};

function health(
  operationId: string,
  summary: string,
  responses: NonNullable<PathItem['get']>['responses'],
): PathItem {
  return { get: { operationId, tags: ['Health'], summary, description: '', security: [], responses } };
}
