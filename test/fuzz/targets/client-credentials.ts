import assert from 'node:assert/strict';
import { isKnownClient, presentedClient, secretHash } from '../../../src/core/client-credentials.js';
import { parseForm } from '../../../src/core/form.js';
import { splitLine } from '../support/text.js';

const SECRET = 'jY0n3Xw8QpLrT5vBz2KsHd7mGf4cA9eU';
const clients = new Map([['gateway', secretHash(SECRET)]]);

/** The first line as `Authorization`, the rest as a form; and each line as a client's id and secret. */
export function fuzz(data: Buffer): void {
  const [authorization, rest] = splitLine(data.toString('latin1'));
  const form = parseForm(rest);
  if (form) {
    check(presentedClient(authorization, form));
    check(presentedClient(null, form));
  }
  checkSpelling(...splitLine(data.toString('utf8')));
}

function check(presented: ReturnType<typeof presentedClient>): void {
  if (presented.outcome !== 'presented') return;
  const { client } = presented;
  assert(client.id !== '');
  assert.equal(isKnownClient(client, clients), client.id === 'gateway' && client.secret === SECRET);
}

/** Every client can send its credentials in both ways. */
function checkSpelling(id: string, secret: string): void {
  if (id === '' || secret === '' || id.length + secret.length > 300) return;
  const pair = [id, secret].map(encodeURIComponent).join(':');
  const client = { id, secret };
  const basic = presentedClient(`Basic ${Buffer.from(pair).toString('base64')}`, new Map());
  assert.deepEqual(basic, { outcome: 'presented', client });
  const form = parseForm(new URLSearchParams({ client_id: id, client_secret: secret }).toString());
  assert.deepEqual(form && presentedClient(null, form), { outcome: 'presented', client });
}
