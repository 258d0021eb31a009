import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { FormReader } from '../../../src/auth/oauth/form-reader.js';
import { type AuthError } from '../../../src/core/errors.js';
import { type Form, formOf, parseForm } from '../../../src/core/form.js';
import { splitLine } from '../support/text.js';

const forms = new FormReader({ httpAdapter: { getType: () => 'fastify' } } as never);

/** The first line as `Content-Type`, the rest as the body; and the body as a host's parser would leave it. */
export async function fuzz(data: Buffer): Promise<void> {
  const [type, body] = splitLine(data.toString('latin1'));
  const text = Buffer.from(body, 'latin1').toString('utf8');
  const names = [...new URLSearchParams(text).keys()];
  const form = parseForm(text);
  assert.equal(form === null, new Set(names).size < names.length);
  check(form);
  const parsed = parsedBy(body);
  if (parsed) check(formOf(parsed));
  const ours = await read('application/x-www-form-urlencoded', body);
  assert.deepEqual(ours, form);
  await read(type, body);
}

function check(form: Form | null): void {
  if (!form) return;
  for (const value of form.values()) assert(typeof value === 'string' && value !== '');
  if ([...form].every((pair) => pair.every((text) => text.isWellFormed())))
    assert.deepEqual(parseForm(new URLSearchParams([...form]).toString()), form);
}

function parsedBy(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** In two chunks. */
async function read(type: string, body: string): Promise<Form | null | undefined> {
  const bytes = Buffer.from(body, 'latin1');
  const half = bytes.length >> 1;
  const request = Object.assign(Readable.from([bytes.subarray(0, half), bytes.subarray(half)]), {
    headers: { 'content-type': type, 'transfer-encoding': 'chunked' },
  });
  await forms.read(request as never);
  try {
    return forms.formOf(request);
  } catch (error) {
    assert.match((error as AuthError).code, /^(?:UNSUPPORTED_MEDIA_TYPE|PAYLOAD_TOO_LARGE)$/);
    return undefined;
  }
}
