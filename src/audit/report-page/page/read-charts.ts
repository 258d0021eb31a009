import type { DrawnChart } from '../drawn-chart.js';

/** What the server wrote into the page. */
export function readCharts(): readonly DrawnChart[] {
  return JSON.parse(document.getElementById('charts')?.textContent ?? '[]') as DrawnChart[];
}
