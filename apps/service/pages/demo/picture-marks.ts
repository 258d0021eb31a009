import { type Attributes, html, svg } from '../dom.js';
import type { Mark } from './story.js';

/** Height of a bar. */
export const BAR = 14;

/** Marks differ in shape, not in colour alone. */
const GLYPHS: Readonly<Record<Mark['kind'] | 'confirmed', string>> = {
  confirmed: 'M-3 0 L-1 2.2 L3.2 -2.4',
  replayed: 'M3.6 -2 A4.2 4.2 0 1 0 4 1.6 M4.4 -4.6 V-1.6 H1.4',
  recovered: 'M0 4 V-3.6 M-3.2 -0.6 L0 -4 L3.2 -0.6',
  response_lost: 'M-3 3 L3 -3',
  stolen:
    'M-4.4 0 C-2.4 -3.4 2.4 -3.4 4.4 0 C2.4 3.4 -2.4 3.4 -4.4 0 M-0.9 0 A0.9 0.9 0 1 0 0.9 0 A0.9 0.9 0 1 0 -0.9 0',
  reuse_detected: 'M-3.2 -3.2 L3.2 3.2 M3.2 -3.2 L-3.2 3.2',
};

const LEGEND: readonly (readonly [keyof typeof GLYPHS | 'current' | 'grace', string])[] = [
  ['current', 'current token'],
  ['grace', 'grace period'],
  ['confirmed', 'its use was seen'],
  ['response_lost', 'answer lost'],
  ['replayed', 'replay'],
  ['recovered', 'recovery'],
  ['stolen', 'stolen'],
  ['reuse_detected', 'theft'],
];

/** What each shape means. */
export function legend(): HTMLLIElement[] {
  return LEGEND.map(([kind, meaning]) => {
    const item = html('li');
    const sample = svg('svg', { viewBox: '-9 -9 18 18', width: 18, height: 18, 'aria-hidden': true });
    if (kind === 'current' || kind === 'grace')
      sample.append(bar(kind === 'current' ? 'life current' : 'grace', -9, 9, 0));
    else sample.append(badge(kind, 0, 0));
    item.append(sample, meaning);
    return item;
  });
}

export function bar(name: string, from: number, to: number, y: number): SVGElement {
  const width = Math.max(2, to - from);
  return svg('rect', { class: name, x: from, y: y - BAR / 2, width, height: BAR, rx: 4 });
}

/** The first of like marks that would cover each other: the list has them all. */
export function apart(marks: readonly Mark[], scale: (time: number) => number): Mark[] {
  return marks.filter((mark, index) => {
    const before = marks
      .slice(0, index)
      .findLast(
        ({ kind, generation, isThief }) =>
          kind === mark.kind && generation === mark.generation && isThief === mark.isThief,
      );
    return !before || scale(mark.at) - scale(before.at) > 16;
  });
}

/** A replay and a recovery lead down to the current token. */
export function markShapes(mark: Mark, x: number, y: (number: number) => number): SVGElement[] {
  const { kind, generation, leadsTo, isThief } = mark;
  const name = isThief ? `${kind} thief` : kind;
  const shapes: SVGElement[] = [];
  if (leadsTo !== null && leadsTo !== generation) {
    const [from, to] = [y(generation) + 8, y(leadsTo) - BAR / 2 - 2];
    shapes.push(
      svg('path', {
        class: `lead ${name}`,
        d: `M${x} ${from} V${to} M${x - 3} ${to - 4} L${x} ${to} L${x + 3} ${to - 4}`,
      }),
    );
  }
  shapes.push(badge(kind, x, y(generation), isThief));
  return shapes;
}

export function badge(kind: keyof typeof GLYPHS, x: number, y: number, isThief = false): SVGElement {
  const attributes: Attributes = {
    class: `badge ${kind}${isThief ? ' thief' : ''}`,
    transform: `translate(${x} ${y})`,
  };
  return svg('g', attributes, svg('circle', { r: 8 }), svg('path', { d: GLYPHS[kind] }));
}

export function gracePattern(): SVGPatternElement {
  return svg(
    'pattern',
    {
      id: 'grace-stripes',
      width: 6,
      height: 6,
      patternUnits: 'userSpaceOnUse',
      patternTransform: 'rotate(45)',
    },
    svg('rect', { class: 'stripe', width: 2.5, height: 6 }),
  );
}
