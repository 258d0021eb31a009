import type { TimelineAnswer, TimelineEvent } from '../../src/demo/answers.js';
import { byId, html, setText } from '../dom.js';
import { clockTime } from '../times.js';
import { sentence } from './story.js';

/** Announced to readers who listen; the usual refreshes are not, or they could hear nothing else. */
const NEWS = new Set([
  'replayed',
  'recovered',
  'contested',
  'proof_failed',
  'reuse_detected',
  'stolen',
  'response_lost',
  'revoked',
]);
/** A client that keeps retrying causes the same event many times: one line, counted. */
const REPEATS_WITHIN_MS = 15_000;
const LINES_LOOKED_AT = 3;

/** What happened, newest first. */
export class EventLog {
  private readonly list = byId('log');
  private shownUntil = 0;

  constructor(private readonly announce: (text: string) => void) {}

  clear(): void {
    this.list.replaceChildren();
  }

  get hasTheft(): boolean {
    return this.list.querySelector('.reuse_detected') !== null;
  }

  show({ events }: TimelineAnswer, begunAt: number): void {
    if (this.list.childElementCount === 0) this.add('begun', begunAt, 'The session began: generation 0.');
    const news = events.filter(({ id }) => id > this.shownUntil);
    this.shownUntil = news.at(-1)?.id ?? this.shownUntil;
    for (const event of news) this.line(event);
    const worthSaying = news.filter(({ kind }) => NEWS.has(kind)).map(sentence);
    this.announce([...new Set(worthSaying)].join(' '));
  }

  private line(event: TimelineEvent): void {
    const { kind, caller, at } = event;
    const text = sentence(event);
    if (text === null) return;
    const like = [...this.list.children]
      .slice(0, LINES_LOOKED_AT)
      .find((line) => line.querySelector('.text')?.textContent === text);
    const counter = like?.querySelector('.count');
    const since = at - Date.parse(like?.querySelector('time')?.dateTime ?? '');
    if (!counter || since > REPEATS_WITHIN_MS)
      this.add(caller === 'thief' ? `${kind} thief` : kind, at, text);
    else setText(counter, ` (${Number(/\d+/.exec(counter.textContent ?? '')?.[0] ?? 1) + 1} times)`);
  }

  private add(name: string, at: number, text: string): void {
    const time = new Date(at);
    this.list.prepend(
      html(
        'li',
        { class: name },
        html('time', { datetime: time.toISOString() }, clockTime(at)),
        html('p', {}, html('span', { class: 'text' }, text), html('span', { class: 'count' })),
      ),
    );
  }
}
