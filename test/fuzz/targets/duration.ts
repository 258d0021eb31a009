import assert from 'node:assert/strict';
import { parseDuration } from '../../../src/core/duration.js';

const TEN_YEARS_MS = 3650 * 86_400_000;

/** A text, and the first eight bytes as a number. */
export function fuzz(data: Buffer): void {
  check(data.toString('utf8'));
  if (data.length >= 8) check(data.readDoubleLE(0));
}

function check(value: string | number): void {
  const ms = parseDuration(value);
  if (ms === null) return;
  assert(Number.isSafeInteger(ms) && ms >= 0 && ms <= TEN_YEARS_MS);
  assert.equal(parseDuration(`${ms}ms`), ms);
  assert.equal(parseDuration(` ${value} `), ms);
}
