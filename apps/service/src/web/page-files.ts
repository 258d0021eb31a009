import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname } from 'node:path';
import type { AuthHttp } from 'nestjs-silent-auth';
import { escapeHtml } from '../common/escape-html.js';

/** A page of the service, built from `pages/<name>` and the shared files. */
export interface PageSite {
  readonly name: string;
  /** The URL of its `index.html`; absent: it is served by code, see `not-found.ts`. */
  readonly path?: string;
  /** Under it are its other files. */
  readonly prefix: string;
  /** What it needs in addition to its own files, by directive of its policy. */
  readonly allowed?: Readonly<Record<string, string>>;
  /** The text for each `{{name}}` in its `index.html`. */
  readonly values?: Readonly<Record<string, string>>;
  /** Whether the browser may keep its `index.html` and typed input for the back/forward cache. */
  readonly isStored?: boolean;
  /** Whether its scripts make markup of text by themselves, as Swagger UI does. */
  readonly isMarkupMade?: boolean;
}

/** The content types of the files that are served; no other files are. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export const HTML = TYPES['.html'] as string;

/** Nothing but the page's own files, nothing inline, no markup made of text. */
const POLICY: Readonly<Record<string, string>> = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'connect-src': "'self'",
  'img-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
  'require-trusted-types-for': "'script'",
};

interface PageFile {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
  readonly caching: string;
}

/** The files that the build made for a page, by their URL. Read once. */
function readPageFiles({ name: page, path, prefix, ...site }: PageSite): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  const folder = folderOf(page);
  for (const name of readdirSync(folder)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const isPage = name === 'index.html';
    if (isPage && path === undefined) continue;
    const content = readFileSync(new URL(name, folder));
    const body = isPage ? fill(content, site.values) : content;
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
    const caching = isPage && site.isStored === false ? 'no-store' : 'no-cache';
    files.set(isPage && path ? path : `/${prefix}/${name}`, { body, type, etag, caching });
  }
  return files;
}

/** The same folder from src and from dist. */
const folderOf = (page: string): URL => new URL(`../../dist/pages/${page}/`, import.meta.url);

function fill(page: Buffer, values: PageSite['values'] = {}): Buffer {
  return Buffer.from(
    page.toString().replace(/\{\{(\w+)\}\}/g, (_, name: string) => escapeHtml(values[name] ?? '')),
  );
}

/** Gives the `index.html` of a page with other values each time. */
export function pageTemplate(page: string): (values: Readonly<Record<string, string>>) => string {
  const content = readFileSync(new URL('index.html', folderOf(page)));
  return (values) => fill(content, values).toString();
}

/**
 * Serves the page's files, and at `<prefix>/session` whether the browser holds a refresh token of this service: a
 * page that tried a refresh without one would leave an error in the console. Passes other requests on.
 */
export function servePage(site: PageSite, http: AuthHttp) {
  const files = readPageFiles(site);
  const policy = policyOf(site);
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const file = files.get(path);
    if (request.method !== 'GET' && request.method !== 'HEAD') return next();
    if (site.path && path === `/${site.prefix}/session`) {
      const body = JSON.stringify({ isBegun: http.refreshTokenOf(request) !== null });
      response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
      response.end(body);
      return;
    }
    if (!file) return next();
    const { body, type, etag, caching } = file;
    response.setHeader('Content-Security-Policy', policy);
    response.setHeader('Cache-Control', caching);
    response.setHeader('ETag', etag);
    if (isKnown(request.headers['if-none-match'], etag)) {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
}

export function policyOf({ allowed = {}, isMarkupMade = false }: Partial<PageSite>): string {
  const directives = [...new Set([...Object.keys(POLICY), ...Object.keys(allowed)])].filter(
    (name) => !(isMarkupMade && name === 'require-trusted-types-for'),
  );
  return directives
    .map((name) => [name, POLICY[name], allowed[name]].filter((part) => part !== undefined).join(' '))
    .join('; ');
}

/** RFC 9110 §13.1.2: a list of tags, weak ones too, or `*`. */
function isKnown(condition: string | undefined, etag: string): boolean {
  const tags = (condition ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}
