/** The parts of an OpenAPI document's paths that are needed here. */
export type DescribedPaths = Readonly<
  Record<string, Readonly<Record<string, { readonly operationId: string; readonly tags: readonly string[] }>>>
>;

export interface DescribedOperation {
  readonly operation: string;
  readonly method: string;
}

/** The name for undocumented requests: pages, scripts, and unknown paths. */
const OTHER_OPERATION = 'other';

/**
 * The OpenAPI operation of a request: a closed list, whatever paths and methods are sent. It matches the path
 * itself instead of asking the router, so that it works for requests that reach no route, and is the same on
 * Express and Fastify.
 */
export class Operations {
  readonly described: readonly DescribedOperation[];
  private readonly fixed = new Map<string, string | null>();
  private readonly templates: (readonly [path: RegExp, operation: string | null])[] = [];

  /** Operations with one of the left-out tags are not measured. */
  constructor(paths: DescribedPaths, leftOut: ReadonlySet<string> = new Set()) {
    const described: DescribedOperation[] = [];
    for (const [path, methods] of Object.entries(paths))
      for (const [verb, { operationId, tags }] of Object.entries(methods)) {
        const method = verb.toUpperCase();
        const name = tags.some((tag) => leftOut.has(tag)) ? null : operationId;
        const key = `${method} ${path}`;
        if (name !== null) described.push({ operation: name, method });
        if (path.includes('{')) this.templates.push([templateOf(key), name]);
        else this.fixed.set(key, name);
      }
    this.described = described;
  }

  /** The name of the operation, `other`, or null if it is not measured. HEAD counts as GET. */
  nameOf(method: string, url: string): string | null {
    const end = url.indexOf('?');
    const path = end < 0 ? url : url.slice(0, end);
    const key = `${method === 'HEAD' ? 'GET' : method} ${path}`;
    const fixed = this.fixed.get(key);
    if (fixed !== undefined) return fixed;
    const [, name] = this.templates.find(([template]) => template.test(key)) ?? [null, OTHER_OPERATION];
    return name;
  }
}

/** `GET /users/{id}`: any one segment matches the id. */
function templateOf(key: string): RegExp {
  const parts = key.split(/\{[^}]+\}/).map((part) => part.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/]+')}$`);
}
