import { Controller, Inject, RequestMethod, Res, type Type, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** Metadata keys of Nest, which it does not export. */
const ROUTE = 'path';
const METHOD = 'method';
/** Of `@ApiExcludeController()`: these routes come into a document by `mergeAuthDocument`, with bodies and answers. */
const NOT_IN_SWAGGER = 'swagger/apiExcludeController';

type HttpAdapter = HttpAdapterHost['httpAdapter'];
interface Answering {
  readonly routeAdapterHost: HttpAdapterHost;
}
type Handler = (this: object, ...args: unknown[]) => unknown;

/**
 * A controller under a path, as a class of its own: two applications in a process may choose different paths. Not Nest's
 * RouterModule: it knows one path for a module, and a host may use it to mount `AuthModule` under a path of the host.
 * Whatever versions the host has, its routes have none; whatever interceptors it has, they answer by themselves.
 */
export function controllerAt<Base extends Type<object>>(path: string, base: Base): Base {
  @Controller({ path, version: VERSION_NEUTRAL })
  class PrefixedController extends base {}
  // Nest logs it.
  Object.defineProperty(PrefixedController, 'name', { value: base.name });
  Reflect.defineMetadata(NOT_IN_SWAGGER, [true], PrefixedController);
  Inject(HttpAdapterHost)(PrefixedController.prototype as object, 'routeAdapterHost');
  for (const [name, handler] of routesOf(base)) answerAtOnce(PrefixedController, name, handler);
  return PrefixedController;
}

/** A route as its controller declares it, without the host's global prefix. */
export interface ControllerRoute {
  /** In lower case. */
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
 * Lets a route send what it returns before any interceptor of the host sees it: one that wraps or filters bodies would break
 * the contract, and one that logs them would log tokens. Where an interceptor answers without calling the route, Nest sends
 * what the interceptor returned, as on any route.
 */
function answerAtOnce(controller: Type<object>, name: string, handler: Handler): void {
  const position = handler.length;
  const answering: Handler = async function (...args) {
    const body: unknown = await handler.apply(this, args.slice(0, position));
    const { httpAdapter } = (this as Answering).routeAdapterHost;
    const response = args[position];
    // An interceptor may have given up on the route, and answered.
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

/** Sends the answer. Nest then replies with what the interceptors returned; for such a response that does nothing. */
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
