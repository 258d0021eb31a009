/** As much of a path of an OpenAPI document as is needed here. */
export type DescribedPaths = Readonly<
  Record<string, Readonly<Record<string, { readonly operationId: string; readonly tags: readonly string[] }>>>
>;

export interface DescribedOperation {
  readonly operation: string;
  readonly method: string;
}

/** What is in no documentation: pages, scripts, and every path that somebody tries. */
const OTHER_OPERATION = 'other';

/**
 * What a request asks for, by the name that the OpenAPI document gives it: a closed list, whatever paths and methods are
 * sent. Looked up by the path itself and not asked of the router, so that it is known where no route was reached, and
 * is the same on Express and Fastify.
 */
export class Operations {
  readonly described: readonly DescribedOperation[];
  private readonly fixed = new Map<string, string | null>();
  private readonly templates: (readonly [path: RegExp, operation: string | null])[] = [];

  /** Operations with one of the tags are of no interest. */
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

  /** The name of the operation, `other`, or null where it is of no interest. HEAD asks for what GET does. */
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

/** `GET /users/{id}`: any one segment stands for the id. */
function templateOf(key: string): RegExp {
  const parts = key.split(/\{[^}]+\}/).map((part) => part.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/]+')}$`);
}
