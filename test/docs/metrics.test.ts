import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { compileErrors } from '../support/compile.js';
import { Exposition, type Family } from '../support/exposition.js';
import { newSession, refreshed } from '../support/http.js';
import { parsePromql } from '../support/promql.js';
import { Service } from '../support/service.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFile(join(ROOT, path), 'utf8');

const document = await read('docs/metrics.md');
const dashboard = JSON.parse(await read('docs/grafana-dashboard.json'));
const alerts: Alert[] = parse(await read('docs/prometheus-alerts.yml')).groups.flatMap(
  ({ rules }: { rules: Alert[] }) => rules,
);

interface Alert {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { refId: string; expr: string; legendFormat: string; datasource: { uid: string } }[];
}

const panels: Panel[] = dashboard.panels;
const queries = panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ refId, expr, legendFormat }) => ({ where: `${title} ${refId}`, expr, legendFormat })),
);

/** Labels that Prometheus itself adds to each sample, or that a bucket has. */
const ADDED = ['job', 'instance'];
/** Grafana fills in its variables before Prometheus sees the expression. */
const filledIn = (expr: string) =>
  expr.replaceAll('$__rate_interval', '5m').replace(/\$(job|instance)\b/g, '.+');

describe('the documents about metrics', () => {
  let service: Service;
  let scrape: Exposition;
  let own: Family[];

  beforeAll(async () => {
    service = await Service.start();
    const api = service.api();
    await refreshed(api, await newSession(api));
    await api.send('GET', '/nothing');
    scrape = await Exposition.of(api);
    own = [...scrape.families.values()].filter(({ name }) => name.startsWith('silent_auth_'));
  });
  afterAll(() => service.dispose());

  const labelsOf = ({ samples }: Family) => [
    ...new Set(samples.flatMap(({ labels }) => Object.keys(labels)).filter((label) => label !== 'le')),
  ];

  it('docs/metrics.md has each metric of the service, with its type, labels and help', () => {
    const rows = [...document.matchAll(/^\| `(silent_auth_\w+)` +\| (\w+) +\| (.*?) +\| (.*?) +\|$/gm)];
    const described = own.map((family) => [
      family.name,
      family.type,
      labelsOf(family)
        .map((label) => `\`${label}\``)
        .join(', ') || '–',
      family.help,
    ]);
    expect(rows.map(([, ...cells]) => cells)).toEqual(described);
    expect(described.length).toBeGreaterThan(15);
  });

  it('docs/metrics.md names no other metric', () => {
    const named = [...document.matchAll(/`((?:silent_auth|process|nodejs)_\w+)/g)].map(
      ([, name = '']) => name,
    );
    expect(named.filter((name) => !scrape.families.has(name))).toEqual([]);
  });

  it('names follow the conventions: base units, and `total` for what only grows', () => {
    for (const { name, type, help } of own) {
      expect(name).toMatch(type === 'counter' ? /_total$/ : /(?<!_total)$/);
      expect(name).not.toMatch(/milli|_ms(_|$)|micro|minutes|kilo/);
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
      expect(help).toMatch(/^[A-Z].*\.$/);
    }
  });

  /** Everything wrong with an expression, compared with the scraped metrics. */
  function problemsOf(expr: string): string[] {
    const { selectors, groupedBy } = parsePromql(filledIn(expr));
    const known = new Set([...ADDED, 'le']);
    const problems = selectors.length > 0 ? [] : ['it selects nothing'];
    for (const { metric, matchers } of selectors) {
      const samples = scrape.samples(metric);
      if (samples.length === 0) problems.push(`no metric ${metric}`);
      for (const label of samples.flatMap(({ labels }) => Object.keys(labels))) known.add(label);
      for (const { label, operator, value } of matchers) {
        if (ADDED.includes(label)) continue;
        const values = new Set(samples.map(({ labels }) => labels[label]));
        if (values.has(undefined)) problems.push(`${metric} has no label ${label}`);
        // Each alternative of a list must exist.
        const [, head = '', list = value] = /^(.*)\(\?:(.*)\)$/.exec(value) ?? [];
        for (const each of operator === '=~' ? list.split('|') : [value]) {
          const isKnown =
            operator === '=~' ? (text = '') => new RegExp(`^(?:${head}${each})$`).test(text) : undefined;
          if (isKnown ? ![...values].some(isKnown) : !values.has(each))
            problems.push(`${metric} has no ${label} ${each}`);
        }
      }
    }
    for (const label of groupedBy) if (!known.has(label)) problems.push(`nothing has the label ${label}`);
    return problems;
  }

  it('every expression of the dashboard finds existing metrics', () => {
    expect(queries.length).toBeGreaterThan(40);
    const problems = queries.map(({ where, expr }) => [where, problemsOf(expr)]);
    expect(problems.filter(([, found]) => found?.length)).toEqual([]);
  });

  it('every alert finds existing metrics', () => {
    expect(alerts.length).toBeGreaterThan(10);
    const problems = alerts.map(({ alert, expr }) => [alert, problemsOf(expr)]);
    expect(problems.filter(([, found]) => found?.length)).toEqual([]);
  });

  it('the check of expressions detects mistakes', () => {
    const event = (selector: string) => problemsOf(`sum(rate(silent_auth_events_total{${selector}}[5m]))`);
    expect(event('event="user.logged_in"')).toEqual([]);
    expect(event('event="user.loged_in"')).toHaveLength(1);
    expect(event('event=~"user[.](?:logged_in|loged_out)"')).toHaveLength(1);
    expect(event('type="user.logged_in"').length).toBeGreaterThan(0);
    expect(problemsOf('silent_auth_event_total')).toHaveLength(1);
    expect(problemsOf('sum by (cause) (silent_auth_info)')).toHaveLength(1);
    expect(problemsOf('1 > 0')).toHaveLength(1);
    for (const broken of ['sum(rate(silent_auth_info[5m])', 'rate(silent_auth_info[5])) >', 'a{b=c}'])
      expect(() => problemsOf(broken)).toThrow('not PromQL');
  });

  it('counters are queried by their rate, and nothing else is', () => {
    const counts = (metric: string) => /_total$|_(?:bucket|count|sum)$/.test(metric);
    for (const { where, expr } of [
      ...queries,
      ...alerts.map(({ alert, expr }) => ({ where: alert, expr })),
    ]) {
      const { selectors, hasRate } = parsePromql(filledIn(expr));
      expect({ where, hasRate }).toEqual({ where, hasRate: selectors.some(({ metric }) => counts(metric)) });
      expect({ where, mixed: new Set(selectors.map(({ metric }) => counts(metric))).size }).toEqual({
        where,
        mixed: 1,
      });
    }
  });

  it('each metric is on the dashboard, and every metric of a problem has an alert', () => {
    const unused = (expressions: { expr: string }[]) => {
      const selectors = expressions.flatMap(({ expr }) => parsePromql(filledIn(expr)).selectors);
      const used = new Set(selectors.map(({ metric }) => metric.replace(/_(?:bucket|count|sum)$/, '')));
      return own.map(({ name }) => name).filter((name) => !used.has(name));
    };
    // Not on the dashboard: a limit equal to the number of cores, and rows that were written as they should
    // be.
    expect(unused(queries)).toEqual([
      'silent_auth_password_hashes_running_limit',
      'silent_auth_audit_rows_written_total',
    ]);
    expect(unused(alerts)).toEqual([
      'silent_auth_revocation_list_entries',
      'silent_auth_password_hashes_running',
      'silent_auth_password_hashes_running_limit',
      'silent_auth_audit_rows_waiting',
      'silent_auth_audit_rows_written_total',
      'silent_auth_mail_messages_waiting',
      'silent_auth_mail_messages_sent_total',
      'silent_auth_mail_messages_limited_total',
    ]);
  });
});

describe('docs/prometheus-alerts.yml', () => {
  it('has each alert once, with a severity, a summary, and a duration that Prometheus can read', () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
    for (const rule of alerts) {
      expect(rule.alert).toMatch(/^SilentAuth[A-Z]\w+$/);
      expect(
        Object.keys(rule).filter((key) => !['alert', 'expr', 'for', 'labels', 'annotations'].includes(key)),
      ).toEqual([]);
      expect(['warning', 'critical']).toContain(rule.labels['severity']);
      expect(rule.annotations['summary']).toMatch(/\.$/);
      if (rule.for !== undefined) expect(rule.for).toMatch(/^\d+[smh]$/);
    }
  });

  it('mentions only labels that its expressions keep', () => {
    for (const { alert, expr, annotations } of alerts) {
      const text = Object.values(annotations).join(' ');
      const named = [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
      const kept = /\bsum\b/.test(expr) ? parsePromql(expr).groupedBy : ADDED;
      expect({ alert, named: named.filter((label) => !kept.includes(label)) }).toEqual({ alert, named: [] });
      expect(text.split('{{').length).toBe(text.split('}}').length);
    }
  });

  it('describes an outdated list for both modes: `feed` refuses, `strict` asks the store', () => {
    const summary = alerts.find(({ alert }) => alert === 'SilentAuthFeedStale')?.annotations['summary'];
    const [explanation] = /^\| `SilentAuthFeedStale`.*$/m.exec(document) ?? [];
    // The help text of the metric says the same.
    const [help] = /^\| `silent_auth_revocation_feed_in_touch`.*$/m.exec(document) ?? [];
    const isOfIt = ({ targets }: Panel) => targets?.some(({ expr }) => expr.includes('_revocation_feed_'));
    const texts = [
      summary,
      explanation,
      help,
      ...panels.filter(isOfIt).map(({ description }) => description),
    ];
    expect(texts.length).toBeGreaterThan(4);
    expect(texts.filter((text) => !/503.*strict.* ask/.test(text ?? ''))).toEqual([]);
  });

  it('is explained in docs/metrics.md, alert by alert', () => {
    const rows = [...document.matchAll(/^\| `(SilentAuth\w+)` +\| (\S.*\S) +\|$/gm)].map(([, name]) => name);
    expect(rows).toEqual(alerts.map(({ alert }) => alert));
  });
});

describe('docs/grafana-dashboard.json', () => {
  it('asks for a data source on import, and uses no other', () => {
    expect(dashboard.__inputs).toEqual([
      expect.objectContaining({ name: 'DS_PROMETHEUS', type: 'datasource', pluginId: 'prometheus' }),
    ]);
    expect([dashboard.id, dashboard.schemaVersion]).toEqual([null, expect.any(Number)]);
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
    const uids = [...JSON.stringify(dashboard).matchAll(/"uid":"([^"]*)"/g)].map(([, uid]) => uid);
    expect(new Set(uids)).toEqual(new Set(['${DS_PROMETHEUS}', dashboard.uid]));
    const required = dashboard.__requires
      .filter(({ type }: Panel) => type === 'panel')
      .map(({ id }: Panel) => id);
    const used = new Set(panels.map(({ type }) => type).filter((type) => type !== 'row'));
    expect([...used].sort()).toEqual(required.sort());
  });

  it('has panels with unique ids that do not overlap, within 24 columns', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      const { x, y, w, h } = gridPos;
      expect({ title, fits: x >= 0 && w > 0 && h > 0 && x + w <= 24 }).toEqual({ title, fits: true });
      for (let column = x; column < x + w; column += 1)
        for (let line = y; line < y + h; line += 1) {
          expect(`${title} on ${taken.get(`${column} ${line}`)}`).toBe(`${title} on undefined`);
          taken.set(`${column} ${line}`, title);
        }
    }
  });

  it('has titles, descriptions and legends', () => {
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const { title, type, description, targets = [] } of panels) {
      if (type === 'row') continue;
      expect({ title, description }).toEqual({ title, description: expect.stringMatching(/\.$/) });
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      for (const { expr, legendFormat } of targets) {
        const { groupedBy } = parsePromql(filledIn(expr));
        const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
        const left = /\bsum\b|\bcount\b/.test(expr)
          ? groupedBy.filter((label) => label !== 'le')
          : ['instance'];
        expect({ title, expr, shown }).toEqual({ title, expr, shown: left });
      }
    }
  });

  it('selects job and instance by its variables, in every expression', () => {
    expect(dashboard.templating.list.map(({ name }: { name: string }) => name)).toEqual(ADDED);
    for (const { where, expr } of queries)
      for (const { matchers } of parsePromql(filledIn(expr)).selectors)
        expect({ where, matched: matchers.map(({ label }) => label) }).toEqual({
          where,
          matched: expect.arrayContaining(ADDED),
        });
  });
});

describe('docs/metrics.md', () => {
  it('shows a controller that compiles', async () => {
    const [, code = ''] = /```ts\n\/\/ metrics.ts\n([\s\S]*?)```/.exec(document) ?? [];
    expect(code).toContain("from 'nestjs-silent-auth'");
    expect(await compileErrors({ 'metrics.ts': code })).toBe('');
  });
});
