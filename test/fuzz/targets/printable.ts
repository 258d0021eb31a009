import assert from 'node:assert/strict';
import { printable } from '../../../src/core/printable.js';
import { textsOf } from '../support/text.js';

export function fuzz(data: Buffer): void {
  for (const text of textsOf(data)) {
    const shown = printable(text);
    assert(shown.isWellFormed());
    assert.doesNotMatch(shown, /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
    assert.equal(printable(shown), shown);
    const short = printable(text, 7);
    assert(short.length <= 7 && short.isWellFormed());
  }
}
