/** A chart as the page's script gets it; the script draws, and decides nothing. */
export interface DrawnChart {
  /** The element that it is drawn in. */
  readonly id: string;
  /** Bars stand on one another, lines do not. */
  readonly kind: 'bars' | 'lines';
  /** Days, or weeks. */
  readonly labels: readonly string[];
  readonly series: readonly DrawnSeries[];
}

export interface DrawnSeries {
  /** Names the colour: that of the element of the legend with this `data-tone`. */
  readonly tone: string;
  readonly label: string;
  /** One for each label. */
  readonly values: readonly number[];
}
