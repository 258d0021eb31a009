import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuthError } from '../../core/errors.js';
import { type Form, formOf, parseForm } from '../../core/form.js';
import { MAX_BODY_BYTES } from '../../core/limits.js';

type Reading = { readonly form: Form | null } | { readonly refusal: AuthError };

const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

/**
 * Reads the forms of only the OAuth endpoints, as a middleware of these routes. Fastify refuses forms without a registered
 * parser before any guard runs, and a registered parser would apply to every route of the host.
 */
@Injectable()
export class FormReader {
  private readonly readings = new WeakMap<object, Reading>();

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  async read(request: IncomingMessage): Promise<void> {
    this.readings.set(request, await readForm(request));
    // The body is read. Remove its headers, so that Fastify does not look for a parser.
    if (this.adapterHost.httpAdapter.getType() === 'fastify')
      for (const name of ['content-type', 'content-length', 'transfer-encoding', 'content-encoding'])
        delete request.headers[name];
  }

  /**
   * The form of a request; null if a parameter is repeated or not a string.
   * @throws AuthError `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `MALFORMED_REQUEST`
   */
  formOf(request: object): Form | null {
    // Fastify's request wraps Node's.
    const reading = this.readings.get((request as { raw?: object }).raw ?? request);
    if (!reading) throw new Error('the middleware of these routes reads their forms');
    if ('refusal' in reading) throw reading.refusal;
    return reading.form;
  }
}

async function readForm(request: IncomingMessage & { body?: unknown }): Promise<Reading> {
  const { headers } = request;
  const type = headers['content-type'];
  const length = Number(headers['content-length'] ?? 0);
  const hasBody = length > 0 || headers['transfer-encoding'] !== undefined;
  if (!hasBody && type === undefined) return { form: new Map() };
  if (!FORM_TYPE.test(type ?? '') || (headers['content-encoding'] ?? 'identity') !== 'identity')
    return refusal('UNSUPPORTED_MEDIA_TYPE', 'The request body must be application/x-www-form-urlencoded.');
  if (length > MAX_BODY_BYTES) return refusal('PAYLOAD_TOO_LARGE');
  // On Express, a parser of the host has already read the body.
  if (request.readableDidRead)
    return { form: typeof request.body === 'object' && request.body !== null ? formOf(request.body) : null };
  const body = await bytesOf(request);
  if (body === 'too large') return refusal('PAYLOAD_TOO_LARGE');
  if (body === 'broken off') return refusal('MALFORMED_REQUEST', 'The request could not be read.');
  return { form: parseForm(body.toString('utf8')) };
}

function refusal(
  code: 'UNSUPPORTED_MEDIA_TYPE' | 'PAYLOAD_TOO_LARGE' | 'MALFORMED_REQUEST',
  message?: string,
) {
  return { refusal: new AuthError(code, message === undefined ? {} : { message }) };
}

/** Bytes beyond the limit are discarded. */
function bytesOf(request: IncomingMessage): Promise<Buffer | 'too large' | 'broken off'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else resolve('too large');
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', () => resolve('broken off'));
    request.on('close', () => resolve('broken off'));
  });
}
