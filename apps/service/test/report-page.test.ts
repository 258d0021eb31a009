import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { reportPageSources } from '../../../src/index.js';
import { ADAPTERS } from '../../../test/support/host-app.js';
import { expectError } from '../../../test/support/http.js';
import { linkedFiles } from '../../../test/support/linked-files.js';
import { Service } from '../../../test/support/service.js';

describe.each(ADAPTERS)('the page of the security report, on %s', (adapter) => {
  let service: Service;
  beforeAll(async () => {
    service = await Service.start({ HTTP_ADAPTER: adapter, DEMO: 'off' });
  });
  afterAll(() => service.dispose());

  it('is at /report, with or without a demo, with a strict policy that lists the report’s script and style', async () => {
    const page = await service.api().send('GET', '/report');
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    const { script, style } = reportPageSources();
    expect(String(page.headers['content-security-policy']).split('; ')).toEqual([
      "default-src 'none'",
      `script-src 'self' ${script}`,
      `style-src 'self' ${style}`,
      "connect-src 'self'",
      "img-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      'trusted-types security-report',
    ]);
    expect(page.headers['strict-transport-security']).toBe('max-age=31536000');
    expect(page.headers['x-content-type-options']).toBe('nosniff');
    expect(page.text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?:/);
  });

  it('serves every file that it needs, and nothing of the demo', async () => {
    const paths = await linkedFiles(service.api(), '/report');
    expect(paths).toEqual(
      expect.arrayContaining(['/report/main.js', '/report/base.css', '/report/icon.svg']),
    );
    expect(paths.filter((path) => path.includes('demo'))).toEqual([]);
    for (const path of [
      '/report/',
      '/report/index.html',
      '/report/main.d.ts',
      '/report/tsconfig.json',
      '/report/%2e%2e/main.js',
      '/report/%2e%2e/demo/main.js',
    ])
      expectError(await service.api().send('GET', path), 404, 'NOT_FOUND');
    expectError(await service.api().post('/report', {}), 404, 'NOT_FOUND');
  });
});
