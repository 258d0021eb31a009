/*
 * The part of OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1) that the document uses. A document is assignable to the
 * types of `@nestjs/swagger` and `openapi-types`, but the host need not install either.
 */

export interface OpenApiDocument {
  openapi: string;
  info: { title: string; version: string; description: string };
  servers: { url: string; description?: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, PathItem>;
  components: {
    schemas: Record<string, Schema>;
    securitySchemes: Record<string, SecurityScheme>;
  };
}

export type Method = 'get' | 'post' | 'put' | 'delete';
export type PathItem = Partial<Record<Method, Operation>>;

export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  /** Alternatives; an empty object means that no credentials are needed. */
  security: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { required: boolean; description?: string; content: JsonContent | FormContent };
  responses: Record<string, Response>;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  description: string;
  schema: Schema;
}

export interface Response {
  description: string;
  headers: Record<string, Header>;
  /** Absent if the response has no body. */
  content?: JsonContent & TextContent;
}

export interface Header {
  description: string;
  /** Whether every such response has the header. */
  required: boolean;
  schema: Schema;
}

type JsonContent = { 'application/json': { schema: Schema | Reference; example?: unknown } };

/** Other formats of the same response. */
export type TextContent = Partial<Record<'text/csv' | 'text/html', { schema: Schema }>>;

type FormContent = { 'application/x-www-form-urlencoded': { schema: Schema | Reference } };

export interface Reference {
  $ref: string;
}

export interface SecurityScheme {
  type: 'http' | 'apiKey';
  description: string;
  scheme?: string;
  bearerFormat?: string;
  in?: string;
  name?: string;
  [extension: `x-${string}`]: unknown;
}

/** JSON Schema 2020-12. */
export interface Schema {
  type?: string | string[];
  description?: string;
  format?: string;
  const?: unknown;
  enum?: unknown[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  items?: Schema | Reference;
  properties?: Record<string, Schema | Reference>;
  required?: string[];
  additionalProperties?: boolean | Schema | Reference;
  dependentRequired?: Record<string, string[]>;
  allOf?: (Schema | Reference)[];
  oneOf?: (Schema | Reference)[];
  examples?: unknown[];
}
