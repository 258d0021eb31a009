import type { IncomingMessage, ServerResponse } from 'node:http';
import { type INestApplication, Module } from '@nestjs/common';
import { AuthHttp } from 'nestjs-silent-auth';
import { servePage } from '../web/page-files.js';
import { withCaller } from './caller.js';
import { DEMO_PREFIX, DemoController } from './demo.controller.js';
import { LostResponses } from './lost-responses.js';
import { Thief } from './thief.js';
import { Timeline } from './timeline.js';

/** The server side of the demo page. Never imported in production. */
@Module({ controllers: [DemoController], providers: [Timeline, LostResponses, Thief] })
export class DemoModule {}

/** Serves the page at `/`, loses responses and labels callers. Call it after the middleware that sets headers. */
export function serveDemo(app: INestApplication, links: Readonly<Record<string, string>>): void {
  const lostResponses = app.get(LostResponses);
  app.use(servePage({ name: 'demo', path: '/', prefix: DEMO_PREFIX, values: links }, app.get(AuthHttp)));
  app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
    lostResponses.intercept(request, response);
    withCaller(request, next);
  });
}
