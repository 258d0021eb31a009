import { ReportChart } from './report-chart.js';
import { readCharts } from './read-charts.js';
import { tellHeight } from './tell-height.js';

const root = document.documentElement;
root.classList.add('drawn');
// The page around it says whose it is.
root.classList.toggle('framed', parent !== window);
const charts = readCharts().map((drawn) => new ReportChart(drawn));
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
tellHeight();
