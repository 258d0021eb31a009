import { describe, expect, it } from '@jest/globals';
import { Operations } from '../../src/metrics/operations.js';

const operation = (operationId: string, tag = 'Sessions') => ({ operationId, tags: [tag] });
const operations = new Operations(
  {
    '/auth/login': { post: operation('login') },
    '/auth/sessions': { get: operation('list'), delete: operation('endOthers') },
    '/auth/sessions/{id}': { delete: operation('end') },
    '/auth/admin/users/{id}/disable': { post: operation('disable') },
    '/.well-known/jwks.json': { get: operation('jwks') },
    '/health/live': { get: operation('live', 'Health') },
  },
  new Set(['Health']),
);

describe(Operations, () => {
  it.each([
    ['POST', '/auth/login', 'login'],
    ['POST', '/auth/login?next=/auth/sessions', 'login'],
    ['GET', '/auth/sessions', 'list'],
    ['HEAD', '/auth/sessions', 'list'],
    ['DELETE', '/auth/sessions', 'endOthers'],
    ['DELETE', '/auth/sessions/656f', 'end'],
    ['DELETE', '/auth/sessions/%2e%2e?a=b', 'end'],
    ['POST', '/auth/admin/users/656f/disable', 'disable'],
    ['GET', '/.well-known/jwks.json', 'jwks'],
  ])('%s %s is %s', (method, url, name) => {
    expect(operations.nameOf(method, url)).toBe(name);
  });

  it.each([
    ['GET', '/auth/login'],
    ['OPTIONS', '/auth/login'],
    ['POST', '/auth/login/'],
    ['POST', '/AUTH/login'],
    ['POST', '//auth/login'],
    ['POST', 'http://other.example.com/auth/login'],
    ['DELETE', '/auth/sessions/'],
    ['DELETE', '/auth/sessions/a/b'],
    ['POST', '/auth/admin/users//disable'],
    ['GET', '/xwell-known/jwks.json'],
    ['GET', '/constructor'],
    ['', ''],
  ])('%s %s is `other`', (method, url) => {
    expect(operations.nameOf(method, url)).toBe('other');
  });

  it('returns null for operations that are left out', () => {
    expect(operations.nameOf('GET', '/health/live')).toBeNull();
    expect(operations.nameOf('HEAD', '/health/live?x')).toBeNull();
    expect(operations.described).not.toContainEqual(expect.objectContaining({ operation: 'live' }));
    expect(operations.described).toContainEqual({ operation: 'end', method: 'DELETE' });
  });
});
