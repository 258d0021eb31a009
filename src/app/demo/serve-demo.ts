import type { IncomingMessage, ServerResponse } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { AuthHttp } from '../../index.js';
import { servePage } from '../page-files.js';
import { withCaller } from './caller.js';
import { LostResponses } from './lost-responses.js';
import { DEMO_PREFIX } from './demo-settings.js';

/** The page at `/`, and what the demo does to requests on their way; after the headers that every answer carries. */
export function serveDemo(app: INestApplication): void {
  const lostResponses = app.get(LostResponses);
  app.use(servePage({ name: 'demo', path: '/', prefix: DEMO_PREFIX }, app.get(AuthHttp)));
  app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
    lostResponses.intercept(request, response);
    withCaller(request, next);
  });
}
