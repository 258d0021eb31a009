import assert from 'node:assert/strict';
import { AuthError } from '../../../src/core/errors.js';
import { CrossSiteGuard } from '../../../src/http/guards/cross-site.guard.js';
import { OptionReader } from '../../../src/options/option-reader.js';
import { originMatcher, readTrustedOrigins } from '../../../src/options/trusted-origins.options.js';
import { options } from '../support/signed.js';
import { splitLine } from '../support/text.js';

/** The first line as an entry of `trustedOrigins`, the second as `Origin`, the rest as `Host`. */
export function fuzz(data: Buffer): void {
  const [entry, rest] = splitLine(data.toString('utf8'));
  const [origin, host] = splitLine(rest);
  const read = new OptionReader<{ trustedOrigins?: string[] }>({ trustedOrigins: [entry] });
  const trustedOrigins = readTrustedOrigins(read);
  // The function is public, so it may receive entries that the boot would refuse.
  const isTrusted = originMatcher([entry]);
  assert(isTrusted(entry) || entry.includes('*'));
  if (isTrusted(origin)) checkMatch(entry, origin);
  if (read.problems.length > 0) return;
  if (entry.includes('*')) assert(isTrusted(entry.replace('*', 'a.b-1')));
  const guard = new CrossSiteGuard({ ...options, trustedOrigins });
  for (const site of [null, 'cross-site']) {
    if (isAdmitted(guard, origin, host, site)) assert(site === null || isTrusted(origin));
    else assert(!isTrusted(origin));
  }
}

function checkMatch(entry: string, origin: string): void {
  if (origin === entry) return;
  const asterisk = entry.indexOf('*');
  const [scheme, suffix] = [entry.slice(0, asterisk), entry.slice(asterisk + 1)];
  assert(asterisk > 0 && origin.startsWith(scheme) && origin.endsWith(suffix));
  assert.match(origin.slice(scheme.length, origin.length - suffix.length), /^[\w.-]+$/);
}

function isAdmitted(guard: CrossSiteGuard, origin: string, host: string, site: string | null): boolean {
  const headers = { origin, ...(site === null ? {} : { 'sec-fetch-site': site }) };
  const request = { method: 'POST', headers, protocol: 'https', host };
  const context = { getType: () => 'http', getArgByIndex: () => request };
  try {
    guard['admit'](context as never);
    return true;
  } catch (error) {
    assert(error instanceof AuthError);
    assert.equal(error.code, 'CROSS_SITE_REQUEST');
    return false;
  }
}
