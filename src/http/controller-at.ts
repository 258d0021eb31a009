import { Controller, Inject, RequestMethod, Res, type Type, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** Metadata keys of Nest, which it does not export. */
const ROUTE = 'path';
const METHOD = 'method';
/** Metadata key of `@ApiExcludeController()`: `mergeAuthDocument` adds these routes to a document, with bodies and responses. */
const NOT_IN_SWAGGER = 'swagger/apiExcludeController';

type HttpAdapter = HttpAdapterHost['httpAdapter'];
interface Answering {
  readonly routeAdapterHost: HttpAdapterHost;
}
type Handler = (this: object, ...args: unknown[]) => unknown;

/**
 * A subclass of a controller under a path, because two applications in a process may choose different paths. It does not
 * use Nest's RouterModule, which allows one path per module and which hosts may use to mount `AuthModule`. The routes have
 * no version, even if the host uses versioning, and interceptors of the host do not change their responses.
 */
export function controllerAt<Base extends Type<object>>(path: string, base: Base): Base {
  @Controller({ path, version: VERSION_NEUTRAL })
  class PrefixedController extends base {}
  // Nest logs the name.
  Object.defineProperty(PrefixedController, 'name', { value: base.name });
  Reflect.defineMetadata(NOT_IN_SWAGGER, [true], PrefixedController);
  Inject(HttpAdapterHost)(PrefixedController.prototype as object, 'routeAdapterHost');
  for (const [name, handler] of routesOf(base)) answerAtOnce(PrefixedController, name, handler);
  return PrefixedController;
}

/** A route as its controller declares it, without the host's global prefix. */
export interface ControllerRoute {
  /** In lower case, such as `post`. */
  readonly method: string;
  readonly path: string;
}

/** The routes of a class that {@link controllerAt} made. */
export function controllerRoutes(controller: Type<object>): ControllerRoute[] {
  const prefix = Reflect.getMetadata(ROUTE, controller) as string;
  return routesOf(controller).map(([, handler]) => ({
    method: String(RequestMethod[Reflect.getMetadata(METHOD, handler) as RequestMethod]).toLowerCase(),
    path: `${prefix}/${String(Reflect.getMetadata(ROUTE, handler))}`.replace(/\/+$/, ''),
  }));
}

function routesOf(controller: Type<object>): [name: string, handler: Handler][] {
  const members = Object.entries(Object.getOwnPropertyDescriptors(controller.prototype as object));
  return members.flatMap(([name, { value }]): [string, Handler][] =>
    typeof value === 'function' && Reflect.hasMetadata(ROUTE, value as Handler)
      ? [[name, value as Handler]]
      : [],
  );
}

/**
 * Makes a route send its return value before any interceptor of the host sees it: one that wraps or filters bodies would
 * break the contract, and one that logs them would log tokens. If an interceptor answers without calling the route, Nest
 * sends the interceptor's result, as on any route.
 */
function answerAtOnce(controller: Type<object>, name: string, handler: Handler): void {
  const position = handler.length;
  const answering: Handler = async function (...args) {
    const body: unknown = await handler.apply(this, args.slice(0, position));
    const { httpAdapter } = (this as Answering).routeAdapterHost;
    const response = args[position];
    // An interceptor with a timeout may have answered already.
    if (!httpAdapter.isHeadersSent(response)) replyOnce(httpAdapter, response as object, body);
  };
  Object.defineProperty(answering, 'name', { value: name });
  for (const key of Reflect.getMetadataKeys(handler) as string[])
    Reflect.defineMetadata(key, Reflect.getMetadata(key, handler), answering);
  Object.defineProperty(controller.prototype, name, { value: answering, configurable: true, writable: true });
  Res({ passthrough: true })(controller.prototype as object, name, position);
}

const answered = new WeakSet<object>();
const adaptersWithCheck = new WeakSet<HttpAdapter>();

/** Sends the response, and makes Nest's own later reply to it do nothing. */
function replyOnce(adapter: HttpAdapter, response: object, body: unknown): void {
  if (!adaptersWithCheck.has(adapter)) skipAnswered(adapter);
  adapter.reply(response, body);
  answered.add(response);
}

function skipAnswered(adapter: HttpAdapter): void {
  const reply: HttpAdapter['reply'] = adapter.reply.bind(adapter);
  adapter.reply = (response: object, ...rest): unknown =>
    answered.has(response) ? undefined : reply(response, ...rest);
  adaptersWithCheck.add(adapter);
}
