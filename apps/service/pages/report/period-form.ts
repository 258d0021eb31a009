import { byId } from '../dom.js';
import type { Format, Period } from './report-source.js';

const DAY_MS = 86_400_000;

interface Orders {
  readonly show: (period: Period) => void;
  readonly download: (period: Period, format: Format) => void;
}

/** Which days: the last 7, 30 or 90, or any others. Days are those of UTC, as the report's are. */
export class PeriodForm {
  private readonly from = byId<HTMLInputElement>('from');
  private readonly to = byId<HTMLInputElement>('to');

  private readonly spans: readonly HTMLInputElement[];

  constructor({ show, download }: Orders) {
    const form = byId<HTMLFormElement>('period');
    this.spans = [...form.querySelectorAll<HTMLInputElement>('[name=span]')];
    for (const input of this.spans) {
      // A browser may remember what was chosen before.
      input.checked = input.value === '30';
      input.addEventListener('change', () => {
        this.goWithTime();
        show(this.chosen);
      });
    }
    for (const input of [this.from, this.to])
      input.addEventListener('input', () => {
        for (const span of this.spans) span.checked = false;
      });
    this.goWithTime();
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.isGiven()) show(this.chosen);
    });
    for (const button of form.querySelectorAll<HTMLButtonElement>('.downloads button'))
      button.addEventListener('click', () => {
        if (this.isGiven()) download(this.chosen, button.value as Format);
      });
  }

  get chosen(): Period {
    return { from: this.from.value, to: this.to.value };
  }

  /** A span ends today, whenever the page was opened. */
  private goWithTime(): void {
    const now = Date.now();
    const span = this.spans.find(({ checked }) => checked);
    this.to.max = this.from.max = dayOf(now);
    if (!span) return;
    this.to.value = dayOf(now);
    this.from.value = dayOf(now - (Number(span.value) - 1) * DAY_MS);
  }

  /** Says by itself what is missing. */
  private isGiven(): boolean {
    this.goWithTime();
    const { from, to } = this;
    to.setCustomValidity(from.value > to.value ? 'The last day is before the first.' : '');
    return from.reportValidity() && to.reportValidity();
  }
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
