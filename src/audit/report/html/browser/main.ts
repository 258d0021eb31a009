import type { DrawnChart } from '../drawn-chart.js';
import { showLocalTimes } from './local-times.js';
import { ReportChart } from './report-chart.js';
import { tellHeight } from './tell-height.js';

const root = document.documentElement;
root.classList.add('drawn');
// In a frame, the page around it shows the heading.
root.classList.toggle('framed', parent !== window);
const drawn = JSON.parse(document.getElementById('charts')?.textContent ?? '[]') as readonly DrawnChart[];
const charts = drawn.map((each) => new ReportChart(each));
const recolour = (): void => {
  for (const chart of charts) chart.recolour();
};

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolour);
// Paper is white, whatever the screen is.
for (const [event, isPrinting] of [
  ['beforeprint', true],
  ['afterprint', false],
] as const)
  addEventListener(event, () => {
    root.classList.toggle('printing', isPrinting);
    recolour();
    for (const chart of charts) chart.fit();
  });
showLocalTimes(document);
tellHeight();
