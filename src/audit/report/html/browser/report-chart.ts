import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  type ChartDataset,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from 'chart.js';
import type { DrawnChart, DrawnSeries } from '../drawn-chart.js';
import { type Colours, coloursOf } from './colours.js';

Chart.register(
  BarController,
  BarElement,
  CategoryScale,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
);

/** On so few days a line is a few dots. */
const FEW_DAYS = 16;

/** One chart; its colours are asked for whenever it is drawn, since the scheme may have changed. */
export class ReportChart {
  private readonly chart: Chart<'bar' | 'line', number[], string>;
  private colours: Colours;

  constructor(private readonly drawn: DrawnChart) {
    const canvas = document.getElementById(drawn.id) as HTMLCanvasElement;
    this.colours = coloursOf(canvas);
    const stacked = drawn.kind === 'bars';
    const axis = () => this.colours.axis;
    const line = () => this.colours.line;
    this.chart = new Chart<'bar' | 'line', number[], string>(canvas, {
      type: stacked ? 'bar' : 'line',
      data: { labels: [...drawn.labels], datasets: drawn.series.map((series) => this.dataset(series)) },
      options: {
        // A screenshot or a print must not catch a half-drawn chart.
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        font: { family: getComputedStyle(canvas).fontFamily },
        interaction: { mode: 'index', intersect: false },
        scales: {
          x: {
            stacked,
            grid: { display: false },
            border: { display: false },
            ticks: { color: axis, maxRotation: 0, autoSkipPadding: 20 },
          },
          y: {
            stacked,
            beginAtZero: true,
            grid: { color: line },
            border: { display: false },
            ticks: { color: axis, precision: 0, maxTicksLimit: 5 },
          },
        },
        plugins: { tooltip: { boxPadding: 4, usePointStyle: true } },
      },
    });
  }

  recolour(): void {
    this.colours = coloursOf(this.chart.canvas);
    this.chart.update('none');
  }

  /** To the width that there is now, on paper say. */
  fit(): void {
    this.chart.resize();
  }

  private dataset({ label, values, tone }: DrawnSeries): ChartDataset<'bar' | 'line', number[]> {
    const colour = () => this.colours.tones.get(tone);
    const common = { label, data: [...values] };
    if (this.drawn.kind === 'bars')
      return {
        ...common,
        type: 'bar',
        backgroundColor: colour,
        borderColor: () => this.colours.ground,
        borderWidth: { top: 1 },
        borderRadius: 3,
        maxBarThickness: 28,
        categoryPercentage: 0.9,
      };
    return {
      ...common,
      type: 'line',
      borderColor: colour,
      borderWidth: 2,
      cubicInterpolationMode: 'monotone',
      pointBackgroundColor: colour,
      pointBorderColor: colour,
      pointRadius: values.length > FEW_DAYS ? 0 : 3,
      pointHoverRadius: 4,
      fill: 'origin',
      backgroundColor: () => faint(colour()),
    };
  }
}

/** `rgb(1, 2, 3)` is how computed colours are written. */
function faint(colour = ''): string {
  return colour.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.08)');
}
