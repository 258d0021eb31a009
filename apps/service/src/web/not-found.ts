import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  type HttpServer,
  type INestApplication,
  NotFoundException,
} from '@nestjs/common';
import { AuthHttp, ParseErrorFilter } from 'nestjs-silent-auth';
import type { AppConfig } from '../config/config.js';
import { HTML, pageTemplate, policyOf, servePage } from './page-files.js';
import { links } from './pages.js';

const NAME = 'not-found';

interface Asked {
  readonly method?: string;
  readonly url?: string;
  readonly headers: { readonly accept?: string };
}

/** A path that nobody serves: a page for who reads it in a browser, JSON for every program. */
@Catch(NotFoundException)
class NotFoundPage implements ExceptionFilter {
  private readonly page = pageTemplate(NAME);

  constructor(
    private readonly config: AppConfig,
    private readonly adapter: HttpServer,
    private readonly others: ParseErrorFilter,
  ) {}

  catch(exception: NotFoundException, host: ArgumentsHost): unknown {
    const http = host.switchToHttp();
    const request = http.getRequest<Asked>();
    if (!isReader(request)) return this.others.catch(exception, host);
    const response: unknown = http.getResponse();
    const headers = {
      'Content-Type': HTML,
      'Content-Security-Policy': policyOf({ allowed: { 'trusted-types': "'none'" } }),
      'Cache-Control': 'no-store',
      Vary: 'Accept',
    };
    for (const [name, value] of Object.entries(headers)) this.adapter.setHeader?.(response, name, value);
    this.adapter.reply(response, this.page(this.values(request.url)), 404);
    return undefined;
  }

  /** Relative, whatever folder a proxy serves the service under. */
  private values(url = '/'): Readonly<Record<string, string>> {
    const depth = (url.split('?', 1)[0] ?? '').split('/').length - 2;
    const root = '../'.repeat(Math.max(0, depth));
    const here = Object.entries(links(this.config)).map(([name, link]): [string, string] => [
      name,
      link === '' || /^https?:/.test(link) ? link : root + link,
    ]);
    return { root, ...Object.fromEntries(here) };
  }
}

/** Programs do not ask for HTML by its name. */
const isReader = ({ method, headers }: Asked): boolean =>
  (method === 'GET' || method === 'HEAD') && headers.accept?.includes('text/html') === true;

/** Call it after the filter of all other failures is registered: the last one is asked first. */
export function serveNotFound(app: INestApplication, config: AppConfig): void {
  app.use(servePage({ name: NAME, prefix: NAME }, app.get(AuthHttp)));
  app.useGlobalFilters(new NotFoundPage(config, app.getHttpAdapter(), app.get(ParseErrorFilter)));
}
