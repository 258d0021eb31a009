import { writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { JAR_AND_RECORD, POPULATIONS } from '../support/populations/parameters.js';
import { livePopulation, robPopulation } from '../support/populations/simulate.js';
import { honestTable, parameterTable, thiefTable, toMarkdown } from '../support/populations/tables.js';
import { THIEF_KINDS } from '../support/populations/thief.js';
import { firstRule } from '../support/rotation-model/first-rule.js';

const { POPULATION_SESSIONS, POPULATION_SEED, POPULATION_REPORT } = process.env;
/** Always the same seed, so that a failing build fails again. `npm run proof -- populations` uses others. */
const settings = { sessions: 12, seed: 1 };

describe('honest browsers, whose client sends attempts', () => {
  it.each(POPULATIONS.filter(({ name }) => name !== JAR_AND_RECORD))(
    '$name: nobody is logged out',
    (population) => {
      const report = livePopulation(population, true, settings);
      expect(report.refreshes).toBeGreaterThan(50 * settings.sessions);
      expect(report.forcedLogouts).toBe(0);
    },
  );

  it('the first version of the rule logs some of them out', () => {
    const logouts = POPULATIONS.map((population) =>
      livePopulation(population, false, { ...settings, rule: firstRule }),
    ).reduce((sum, { forcedLogouts }) => sum + forcedLogouts, 0);
    expect(logouts).toBeGreaterThan(0);
  });
});

describe('thieves of a session whose client sends attempts', () => {
  it.each(THIEF_KINDS)('$name: found, shut out, or left with nothing', (kind) => {
    const reports = robPopulation(kind, true, { ...settings, sessions: 40 });
    expect(reports.length).toBeGreaterThan(10);
    const unseen = reports.filter(({ outcome }) => outcome === 'unseen');
    expect(unseen).toEqual([]);
    if (kind.copies !== 'outstanding')
      expect(reports.reduce((sum, { callsAfter }) => sum + callsAfter, 0)).toBe(0);
  });

  it('one behind: the first version of the rule serves them forever', () => {
    const [behind] = THIEF_KINDS;
    if (!behind) throw new Error('there is no thief');
    const reports = robPopulation(behind, false, { ...settings, sessions: 40, rule: firstRule });
    expect(reports.filter(({ outcome }) => outcome === 'found').length).toBeLessThan(reports.length / 4);
  });
});

if (POPULATION_REPORT !== undefined)
  describe('all populations', () => {
    it('print the tables of `npm run proof -- populations`', () => {
      const all = { sessions: Number(POPULATION_SESSIONS), seed: Number(POPULATION_SEED) };
      const from = performance.now();
      const reportProgress = (name: string) =>
        process.stderr.write(`${((performance.now() - from) / 1000).toFixed(0)} s  ${name}\n`);
      const tables = {
        ...all,
        parameters: toMarkdown(parameterTable()),
        honest: toMarkdown(honestTable(all, reportProgress)),
        thieves: toMarkdown(thiefTable(all, reportProgress)),
      };
      writeFileSync(POPULATION_REPORT, JSON.stringify(tables));
    }, 86_400_000);
  });
