import type { OpenApiDocument } from './open-api.types.js';
import { openApiDocument, type OpenApiOptions } from './open-api-document.js';

/** The parts of an OpenAPI 3 document that are merged, for example one of `SwaggerModule.createDocument`. */
export interface MergeableDocument {
  openapi: string;
  paths: object;
  tags?: { name: string }[];
  components?: { schemas?: object; securitySchemes?: object };
}

export interface MergeOptions extends Omit<OpenApiOptions, 'serverUrl' | 'version'> {
  /**
   * The prefix given to `app.setGlobalPrefix()`, added in front of the paths. Omit it if the document's `servers` contain it.
   * @default ''
   */
  globalPrefix?: string;
}

const PREFIX_OF_CLASHING = 'Auth';

/**
 * Merges the routes of this module into the document of your routes: paths, tags, schemas and security schemes. If a name
 * is taken, the module's one gets the prefix `Auth`. An OpenAPI 3.0 document, as `DocumentBuilder` makes, stays 3.0.
 *
 * @example
 * const document = SwaggerModule.createDocument(app, new DocumentBuilder().build());
 * SwaggerModule.setup('docs', app, mergeAuthDocument(document, { ...authOptions, globalPrefix: 'api' }));
 */
export function mergeAuthDocument<Document extends MergeableDocument>(
  document: Document,
  { globalPrefix = '', ...options }: MergeOptions = {},
): Document {
  const ours = renamed(openApiDocument(options), document);
  const auth = document.openapi.startsWith('3.0') ? (downgraded(ours) as OpenApiDocument) : ours;
  const prefix = globalPrefix.replace(/^\/*|\/*$/g, '');
  const paths = Object.entries(auth.paths).map(([path, item]) => [prefixed(prefix, path), item] as const);
  const tags = document.tags ?? [];
  const newTags = auth.tags.filter(({ name }) => tags.every((tag) => tag.name !== name));
  return {
    ...document,
    paths: { ...document.paths, ...Object.fromEntries(paths) },
    tags: [...tags, ...newTags],
    components: {
      ...document.components,
      schemas: { ...document.components?.schemas, ...auth.components.schemas },
      securitySchemes: { ...document.components?.securitySchemes, ...auth.components.securitySchemes },
    },
  };
}

/** The well-known documents are always at the root of the host. */
function prefixed(prefix: string, path: string): string {
  return prefix === '' || path.startsWith('/.well-known/') ? path : `/${prefix}${path}`;
}

/** The module's document, with new names for schemas and schemes whose names the host uses. */
function renamed(ours: OpenApiDocument, { components = {} }: MergeableDocument): OpenApiDocument {
  const nameIn = (taken: object | undefined) => (name: string) =>
    Object.hasOwn(taken ?? {}, name) ? PREFIX_OF_CLASHING + name : name;
  const schemaName = nameIn(components.schemas);
  const schemeName = nameIn(components.securitySchemes);
  const changed = mapped(ours, (key, value) => {
    if (key === '$ref') return (value as string).replace(/[^/]+$/, schemaName);
    if (key === 'security') return (value as object[]).map((each) => withNames(each, schemeName));
    return value;
  }) as OpenApiDocument;
  return {
    ...changed,
    components: {
      schemas: withNames(changed.components.schemas, schemaName),
      securitySchemes: withNames(changed.components.securitySchemes, schemeName),
    },
  };
}

function withNames<T extends object>(record: T, nameOf: (name: string) => string): T {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [nameOf(name), value])) as T;
}

/** Converts JSON Schema 2020-12 to the dialect of OpenAPI 3.0 (https://spec.openapis.org/oas/v3.0.4 §4.7.24). */
function downgraded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(downgraded);
  if (typeof value !== 'object' || value === null) return value;
  const { type, const: only, examples, dependentRequired, ...rest } = value as Record<string, unknown>;
  void dependentRequired;
  const result: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(rest)) result[key] = downgraded(each);
  if (Array.isArray(rest['required']) && rest['required'].length === 0) delete result['required'];
  // Keeps a property with the name of a keyword.
  const keep = (key: string, each: unknown) => {
    if (each !== undefined) result[key] = downgraded(each);
  };
  if (Array.isArray(type)) {
    result['type'] = (type as string[]).find((each) => each !== 'null');
    if (type.includes('null')) result['nullable'] = true;
  } else if (type === 'null') Object.assign(result, { enum: [null], nullable: true });
  else keep('type', type);
  if (only !== undefined && (typeof only !== 'object' || only === null)) result['enum'] = [only];
  else keep('const', only);
  if (Array.isArray(examples)) result['example'] = (examples as unknown[])[0];
  else keep('examples', examples);
  return result;
}

function mapped(value: unknown, change: (key: string, value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => mapped(each, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, change(key, mapped(each, change))]),
  );
}
