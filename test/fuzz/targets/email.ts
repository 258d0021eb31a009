import assert from 'node:assert/strict';
import { normalizeEmail } from '../../../src/core/email.js';
import { emailIn } from '../../../src/http/http-request.js';
import { textsOf } from '../support/text.js';

export function fuzz(data: Buffer): void {
  for (const text of textsOf(data)) {
    const email = normalizeEmail(text);
    // Normalising is idempotent, so a stored address finds the same user.
    assert.equal(normalizeEmail(email), email);
    assert.equal(normalizeEmail(` ${text}\n`), email);
    assert.equal(emailIn({ email: text }), email);
  }
}
