import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { OpenApiDocument } from '../../src/index.js';
import type { Answer } from './http.js';

/** An operation of the document, with its method and path. */
export interface Documented {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

type Operation = NonNullable<OpenApiDocument['paths'][string]['get']>;
type Schema = Operation['responses'][string]['headers'][string]['schema'];

/** Headers that carry information for the client: an answer may have them only if the document lists them. */
const TELLING = ['cache-control', 'set-cookie', 'www-authenticate', 'retry-after'];

/** Checks answers and request bodies against the document. */
export class DocumentedApi {
  readonly operations: readonly Documented[];
  private readonly ajv: Ajv2020;
  private readonly compiled = new Map<object, ValidateFunction>();
  /** `operation status code` of every answer checked so far. */
  readonly seen = new Set<string>();

  /** @throws if a schema has a keyword that JSON Schema does not know */
  constructor(readonly document: OpenApiDocument) {
    this.ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true, allowUnionTypes: true });
    formats.default(this.ajv);
    this.ajv.addFormat('password', true);
    for (const [name, schema] of Object.entries(document.components.schemas))
      this.ajv.addSchema(localised(schema), name);
    for (const name of Object.keys(document.components.schemas)) this.ajv.getSchema(name);
    this.operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => {
        return { id: operation.operationId, method: method.toUpperCase(), path, operation };
      }),
    );
  }

  operation(id: string): Documented {
    const found = this.operations.find((candidate) => candidate.id === id);
    if (found === undefined) throw new Error(`no operation ${id}`);
    return found;
  }

  /** Every `operation status code` that the document promises; `-` if an answer has no code. */
  get promised(): string[] {
    return this.operations.flatMap(({ id, operation }) =>
      Object.entries(operation.responses).flatMap(([status, { content }]) => {
        const codes = codesOf(content?.['application/json']?.schema);
        return (codes.length > 0 ? codes : ['-']).map((code) => `${id} ${status} ${code}`);
      }),
    );
  }

  /** How the answer differs from the document; empty if it does not. */
  problems(id: string, answer: Answer): string[] {
    const response = this.operation(id).operation.responses[answer.status];
    if (!response) return [`status ${answer.status} is not documented`];
    const problems: string[] = [];
    for (const [name, { required, schema }] of Object.entries(response.headers)) {
      const lines = [answer.headers[name.toLowerCase()] ?? []].flat();
      if (required && lines.length === 0) problems.push(`no header ${name}`);
      for (const line of lines) problems.push(...this.mismatches(schema, headerValue(schema, line), name));
    }
    const documented = Object.keys(response.headers).map((name) => name.toLowerCase());
    for (const name of TELLING)
      if (answer.headers[name] !== undefined && !documented.includes(name))
        problems.push(`header ${name} is not documented`);
    problems.push(...this.bodyProblems(response.content, answer));
    if (problems.length === 0) this.seen.add(`${id} ${answer.status} ${codeOf(answer)}`);
    return problems;
  }

  /** Whether the document allows this request body; `null` if the operation takes no body. */
  allowsBody(id: string, body: unknown): boolean | null {
    const { requestBody } = this.operation(id).operation;
    if (!requestBody) return null;
    if (body === undefined) return !requestBody.required;
    return this.mismatches(bodySchema(requestBody.content), body, 'body').length === 0;
  }

  private bodyProblems(content: object | undefined, { headers, text }: Answer): string[] {
    if (!content) return text === '' ? [] : [`a body where none is documented: ${text.slice(0, 200)}`];
    const type = headers['content-type'] ?? 'none';
    const [name = ''] = type.split(';', 1);
    const { schema } = new Map<string, { schema: object }>(Object.entries(content)).get(name) ?? {};
    if (!schema) return [`content type ${type}`];
    if (name.startsWith('text/')) return this.mismatches(schema, text, 'body');
    if (!/^application\/json(?:; charset=utf-8)?$/i.test(type)) return [`content type ${type}`];
    try {
      return this.mismatches(schema, JSON.parse(text), 'body');
    } catch {
      return [`a body that is not JSON: ${text.slice(0, 200)}`];
    }
  }

  private mismatches(schema: object, value: unknown, where: string): string[] {
    let validate = this.compiled.get(schema);
    if (!validate) {
      validate = this.ajv.compile(localised(schema));
      this.compiled.set(schema, validate);
    }
    if (validate(value)) return [];
    return [`${where}: ${this.ajv.errorsText(validate.errors)} in ${JSON.stringify(value)?.slice(0, 400)}`];
  }
}

/** The schema of a JSON or form body. */
export function bodySchema(content: NonNullable<Operation['requestBody']>['content']): Schema {
  return (
    'application/json' in content ? content['application/json'] : content['application/x-www-form-urlencoded']
  ).schema as Schema;
}

export function codeOf(answer: Answer): string {
  if (!/^application\/json/.test(answer.headers['content-type'] ?? '')) return '-';
  const body: unknown = answer.json;
  if (typeof body !== 'object' || body === null) return '-';
  if ('code' in body) return String(body.code);
  // OAuth errors have their code in `error`; a health report has an object there.
  return 'error' in body && typeof body.error === 'string' ? body.error : '-';
}

/** The validator knows the components by their names. */
function localised<T>(schema: T): T {
  return JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', '')) as T;
}

function headerValue(schema: Schema, line: string): unknown {
  return schema.type === 'integer' && /^\d+$/.test(line) ? Number(line) : line;
}

/** The codes that an error's schema allows. */
function codesOf(schema: object | undefined): string[] {
  if (schema === undefined) return [];
  const { $ref, oneOf, allOf, properties } = schema as {
    $ref?: string;
    oneOf?: object[];
    allOf?: object[];
    properties?: { code?: { enum?: string[] }; error?: { enum?: string[] } };
  };
  if ($ref?.endsWith('/ValidationError')) return ['VALIDATION_FAILED'];
  return [
    ...(properties?.code?.enum ?? properties?.error?.enum ?? []),
    ...[...(oneOf ?? []), ...(allOf ?? [])].flatMap(codesOf),
  ];
}
