import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import fc from 'fast-check';
import type { DrawnChart } from '../../src/audit/report/html/drawn-chart.js';
import { period, roughly } from '../../src/audit/report/html/format.js';
import { escapeText, html, scriptJson } from '../../src/audit/report/html/html.js';
import { renderReportPage, reportPagePolicy, reportPageSources } from '../../src/audit/report/report-page.js';
import { AUTH_EVENT_NAMES } from '../../src/index.js';
import { busyReport, emptyReport, reportHolding } from '../support/report-of-days.js';

const HOSTILE = [
  '</script><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  "' autofocus onfocus='alert(1)",
  '<!--<script>',
  ']]></style>{{constructor}}${7*7}',
  '=cmd|/C calc!A0',
  '\u202Egpj.exe\u2066',
  '\0\u2028\u2029\uD800',
  'constructor',
  '__proto__',
  '&lt;b&gt;',
  'x'.repeat(5000),
];

/** What a reader sees: the text without script, style and markup. */
const textOf = (page: string): string =>
  page
    .replace(/<(script|style)\b[\s\S]*?<\/\1>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

/** All tags in order, without the ids that mark users, each in quotes. */
const tagsOf = (page: string): string[] =>
  (page.replace(/<(script|style)\b[\s\S]*?<\/\1>/g, '<$1>').match(/<[^>]*>/g) ?? []).map((tag) =>
    tag.replace(/ data-user="[^"]*"/, ' data-user'),
  );

const elementsOf = (page: string, name: string): string[] =>
  [...page.matchAll(new RegExp(`<${name}[^>]*>([\\s\\S]*?)</${name}>`, 'g'))].map(([, inner = '']) => inner);

const chartsOf = (page: string): DrawnChart[] => JSON.parse(elementsOf(page, 'script')[0] ?? '');

const sha256 = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

describe(escapeText.name, () => {
  it('leaves no character that starts markup, a reference or another attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = escapeText(text);
        expect(escaped).not.toMatch(/[<>"'\0]/);
        expect(escaped.replace(/&(?:amp|lt|gt|quot|#39);/g, '')).not.toContain('&');
        expect(escaped.isWellFormed()).toBe(true);
      }),
    );
  });

  it('loses no character', () => {
    expect(escapeText(`a & b < "c" > 'd'`)).toBe('a &amp; b &lt; &quot;c&quot; &gt; &#39;d&#39;');
    expect(escapeText('\0|\uD800|😀')).toBe('\uFFFD|\uFFFD|😀');
  });
});

describe(html.name, () => {
  it('escapes its input, except for its own markup', () => {
    const inner = html`<b title="${'"'}">${'<i>'}</b>`;
    expect(html`<p>${inner}${[inner]}${null}${0}${'&'}</p>`.markup).toBe(
      '<p><b title="&quot;">&lt;i&gt;</b><b title="&quot;">&lt;i&gt;</b>0&amp;</p>',
    );
  });
});

describe(scriptJson.name, () => {
  it('can be parsed again, and contains nothing that HTML would interpret', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...HOSTILE), (value, text) => {
        const { markup } = scriptJson([value, text]);
        expect(markup).not.toMatch(/[<>&\u2028\u2029]/);
        expect(JSON.stringify(JSON.parse(markup))).toBe(JSON.stringify([value, text]));
      }),
    );
  });
});

describe(renderReportPage.name, () => {
  it('describes events in words: thefts, false alarms, sessions, sources, targets, indexes', () => {
    const text = textOf(renderReportPage(busyReport()));
    expect(text).toContain('22 October to 20 November 2026');
    expect(text).toContain('30 days');
    expect(text).toMatch(/12 stolen tokens were caught/);
    expect(text).toContain('Shadow mode was on for 1 of the cases below');
    expect(text).toMatch(/60 times a client that had lost an answer was not logged out/);
    expect(text).toMatch(/600 races between tabs and retries were answered as well/);
    expect(text).toMatch(/Active sessions now 10,000 \+ or more/);
    expect(text).toContain('Its successor was already in use, so somebody else held the old token.');
    expect(text).toContain('Chrome 141 on Windows');
    expect(text).toMatch(/203\.0\.113\.9 640/);
    expect(text).toMatch(/2001:db8:85a3:8d3::\/64 50–90/);
    expect(text).toMatch(/ada@example\.com user-1 400 a user who is gone user-2 3/);
    expect(text).toMatch(/wrong password Failed logins 1,200 rule of the host Odd activity 3/);
    expect(text).toContain('2 indexes need a look.');
    expect(text).toContain('what expired first has waited for 2 hours');
    expect(text).not.toMatch(/undefined|null|NaN|\[object|successor_/);
  });

  it('never claims that nothing was stolen, and shows sessions that seemed to be in two hands', () => {
    const suspected = (reason: string, count: number) =>
      ({ type: 'activity.suspected', reason, count }) as const;
    const reasons = [
      suspected('contested_token', 2),
      suspected('one_token_two_networks', 1),
      suspected('excessive_refreshes', 9),
    ];
    expect(textOf(renderReportPage({ ...emptyReport(), reasons }))).toContain(
      '3 times a session seemed to be in two hands',
    );
    const one = textOf(renderReportPage({ ...emptyReport(), reasons: reasons.slice(1, 2) }));
    expect(one).toContain('1 session seemed to be in two hands');
    const usual = textOf(renderReportPage({ ...emptyReport(), reasons: reasons.slice(2) }));
    expect(usual).toContain('No stolen token was detected');
    expect(usual).toContain('A copy shows when it is used');
  });

  it('marks users by their id for the surrounding page, and has no buttons of its own', () => {
    const page = renderReportPage(busyReport());
    expect(page).toContain('<bdi data-user="user-1">ada@example.com</bdi');
    expect(page).toContain('<bdi data-user="6710f0a2c3b1e0a9d4e5f610">6710f0a2c3b1e0a9d4e5f610</bdi');
    expect(page.match(/<[^>]* data-user=/g)).toHaveLength(14);
    expect(tagsOf(page).filter((tag) => /^<(?:button|a|form|input)\b/.test(tag))).toEqual([]);
  });

  it('has words for every event, so none is shown by its name only', () => {
    const totals = AUTH_EVENT_NAMES.map((type, index) => ({ type, count: index + 1 }));
    const page = renderReportPage({ ...emptyReport(), totals });
    for (const type of AUTH_EVENT_NAMES)
      expect(page).toMatch(new RegExp(`>[A-Z][^<>]+<small class="ids"><code>${type}<`));
  });

  it('uses the singular, too', () => {
    const one = {
      ...busyReport(1),
      falseAlarmsAvoided: { replays: 1, recoveries: 1, healed: 0, isAtMost: false },
    };
    const text = textOf(
      renderReportPage({
        ...one,
        totals: [{ type: 'refresh_token.reuse_detected', count: 1 }],
        reuseCases: one.reuseCases.slice(0, 1),
      }),
    );
    expect(text).toMatch(/1 stolen token was caught Its session ended/);
    expect(text).toMatch(
      /1 time a client that had lost an answer was not logged out .* 1 race between tabs or retry was/,
    );
    expect(text).toContain('20 November 2026 1 day ·');
  });

  it('uses the plural for several stolen tokens, each of its own session', () => {
    const totals = [{ type: 'refresh_token.reuse_detected' as const, count: 2 }];
    const reuseCases = busyReport(1)
      .reuseCases.slice(0, 2)
      .map((each) => ({ ...each, revoked: true }));
    const text = textOf(renderReportPage({ ...busyReport(1), totals, reuseCases }));
    expect(text).toMatch(/2 stolen tokens were caught Their sessions ended/);
  });

  it('says that a period has no events, and draws nothing', () => {
    const page = renderReportPage(emptyReport());
    const text = textOf(page);
    for (const words of [
      'No events were counted',
      'No stolen token was detected',
      'No false alarm had to be avoided',
      'Nothing was found.',
      'No login failed.',
      'Nobody logged in or out.',
      'No session was refreshed.',
      'No event came.',
    ])
      expect(text).toContain(words);
    expect(page).not.toContain('<canvas');
    expect(JSON.parse(elementsOf(page, 'script')[0] ?? '')).toEqual([]);
    expect(text).not.toMatch(/undefined|null|NaN|Infinity/);
  });

  it('has every day of the period in its tables and charts', () => {
    const report = busyReport(90);
    const page = renderReportPage(report);
    for (const { day } of report.days) expect(page.split(`<th scope="row">${day}</th>`).length - 1).toBe(6);
    const charts = chartsOf(page);
    expect(charts.map(({ id }) => id)).toEqual([
      'findings',
      'failures',
      'users',
      'refreshes',
      'forgiven',
      'ended',
    ]);
    for (const { series } of charts) for (const { values } of series) expect(values).toHaveLength(90);
    expect(charts[0]?.series[0]?.values.filter((value) => value > 0)).toEqual([12]);
    for (const { id } of charts) expect(page).toContain(`id="${id}"`);
  });

  it('draws long periods by week without losing anything; its tables have the days', () => {
    const page = renderReportPage(busyReport(400));
    expect(page.split('<th scope="row">2025-').length - 1).toBe(6 * 76);
    expect(textOf(page)).toContain('Sessions that went on by themselves. By the week.');
    const [, , , refreshes] = chartsOf(page);
    expect(refreshes?.labels).toHaveLength(58);
    expect(refreshes?.labels.at(-1)).toBe('14 Nov 2026');
    const total = refreshes?.series[0]?.values.reduce((sum, value) => sum + value, 0);
    expect(textOf(page)).toContain(`Sessions refreshed ${total?.toLocaleString('en')}`);
  });

  const harmless = renderReportPage(reportHolding('curl/8.5.0')) + renderReportPage(busyReport(3));
  const known = new Set(tagsOf(harmless));
  const scripts = renderReportPage(busyReport(3)).split('<script').length;

  it.each(HOSTILE)('shows hostile text as text, wherever it appears: %j', (text) => {
    const page = renderReportPage(reportHolding(text));
    expect(tagsOf(page).filter((tag) => !known.has(tag))).toEqual([]);
    expect(page.split('<script').length).toBe(scripts);
    const shown = text.length > 200 ? text.slice(0, 100) : text;
    // In all of its places, although a user agent may be shortened.
    expect(page.split(escapeText(shown)).length).toBeGreaterThan(40);
  });

  it('shows any text as text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        expect(tagsOf(renderReportPage(reportHolding(text))).filter((tag) => !known.has(tag))).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it('is one file: it loads nothing, and contains no address of another host', () => {
    const page = renderReportPage(busyReport());
    for (const tag of tagsOf(page))
      expect(tag).not.toMatch(/\s(src|href|style|srcset|action|on\w+)=|https?:|url\(/i);
    const [style = ''] = elementsOf(page, 'style');
    expect(style).not.toMatch(/@import|url\(|https?:/);
  });

  it('includes its script and style in a bundle of the host', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'silent-auth-bundle-'));
    try {
      const outfile = join(folder, 'host.mjs');
      const contents = `import { reportPagePolicy } from './report-page.js'; console.log(reportPagePolicy());`;
      const resolveDir = fileURLToPath(new URL('../../dist/audit/report', import.meta.url));
      await build({
        stdin: { contents, resolveDir },
        bundle: true,
        platform: 'node',
        format: 'esm',
        outfile,
      });
      const { stdout, stderr } = spawnSync(process.execPath, [outfile], { encoding: 'utf8' });
      expect({ stderr, policy: stdout.trim() }).toEqual({ stderr: '', policy: reportPagePolicy() });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('includes the licences of what is bundled', () => {
    const script = elementsOf(renderReportPage(emptyReport()), 'script')[1] ?? '';
    expect(script).toMatch(/chart\.js\s+The MIT License/);
    expect(script).toMatch(/@kurkle\/color\s+The MIT License/);
    expect(script).toContain('Permission is hereby granted');
  });

  it('its script turns no text into markup or code', () => {
    const script = elementsOf(renderReportPage(emptyReport()), 'script')[1] ?? '';
    expect(script).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/,
    );
  });
});

describe(reportPagePolicy.name, () => {
  it('allows the script and style of the page, and nothing else', () => {
    const page = renderReportPage(busyReport(2));
    const [, script = ''] = elementsOf(page, 'script');
    const [style = ''] = elementsOf(page, 'style');
    const policy = [
      "default-src 'none'",
      `script-src ${sha256(script)}`,
      `style-src ${sha256(style)}`,
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
    ].join('; ');
    expect(page).toContain(`<meta http-equiv="Content-Security-Policy" content="${escapeText(policy)}" />`);
    expect(reportPagePolicy()).toBe(`${policy}; frame-ancestors 'none'`);
    expect(reportPageSources()).toEqual({ script: sha256(script), style: sha256(style) });
  });
});

describe(period.name, () => {
  it.each([
    ['2026-11-20', '2026-11-20', '20 November 2026'],
    ['2026-11-01', '2026-11-20', '1 to 20 November 2026'],
    ['2026-10-22', '2026-11-20', '22 October to 20 November 2026'],
    ['2025-12-22', '2026-01-20', '22 December 2025 to 20 January 2026'],
    ['2025-11-22', '2026-11-21', '22 November 2025 to 21 November 2026'],
    ['no day', '2026-01-20', 'no day to 20 January 2026'],
  ])('%s, %s: %s', (from, to, words) => {
    expect(period(from, to)).toBe(words);
  });
});

describe(roughly.name, () => {
  it.each([
    [20_000, '1 minute'],
    [40 * 60_000, '40 minutes'],
    [5 * 3_600_000, '5 hours'],
    [72 * 3_600_000, '3 days'],
  ])('%d ms: %s', (ms, words) => {
    expect(roughly(ms)).toBe(words);
  });
});
