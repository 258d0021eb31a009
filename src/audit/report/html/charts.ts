import { AUTH_EVENTS } from '../../../core/events.js';
import type { SecurityReport } from '../../security-report.js';
import type { ChartPlan } from './chart-plans.js';
import type { DrawnChart } from './drawn-chart.js';
import { fullDay, shortDay } from './format.js';

/** On a telephone, a day of more days than these would be thinner than a pixel: they are drawn by the week. */
const MOST_DAYS = 120;
const WEEK = 7;

/** The numbers of a chart. */
export interface ReportChart {
  readonly plan: ChartPlan;
  readonly series: readonly ChartSeries[];
  readonly total: number;
  readonly isByWeek: boolean;
  readonly drawn: DrawnChart;
}

interface ChartSeries {
  readonly tone: string;
  readonly label: string;
  readonly total: number;
  /** One for each day. */
  readonly values: readonly number[];
}

export function chartOf(plan: ChartPlan, { days }: SecurityReport): ReportChart {
  const series = plan.series.map(({ tone, type }) => {
    const values = days.map(({ counts }) => counts[type] ?? 0);
    return { tone, label: AUTH_EVENTS[type].many, values, total: sumOf(values) };
  });
  const isByWeek = days.length > MOST_DAYS;
  const names = days.map(({ day }) => day);
  const drawn = {
    id: plan.id,
    kind: plan.kind,
    labels: isByWeek ? weeks(names).map(([first = '']) => fullDay(first)) : names.map(shortDay),
    series: series.map(({ tone, label, values }) => {
      return { tone, label, values: isByWeek ? weeks(values).map(sumOf) : values };
    }),
  };
  return { plan, series, total: sumOf(series.map(({ total }) => total)), isByWeek, drawn };
}

/** The last one is whole: half a week would look like a fall. */
function weeks<T>(days: readonly T[]): T[][] {
  const first = days.length % WEEK;
  const starts = Array.from({ length: Math.floor(days.length / WEEK) }, (_, index) => first + index * WEEK);
  return [
    ...(first > 0 ? [days.slice(0, first)] : []),
    ...starts.map((start) => days.slice(start, start + WEEK)),
  ];
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
