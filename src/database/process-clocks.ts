/** The clocks of this process, in milliseconds. */
export interface ProcessClocks {
  /** Goes on in a stopped process, stands still in a suspended machine. */
  monotonic(): number;
  /** Goes on in both, but can be set. */
  wall(): number;
}

export const OWN_CLOCKS: ProcessClocks = { monotonic: () => performance.now(), wall: () => Date.now() };

/** A moment on both clocks. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

export function momentNow(clocks: ProcessClocks = OWN_CLOCKS): Moment {
  return { monotonic: clocks.monotonic(), wall: clocks.wall() };
}

/**
 * Milliseconds since a moment, by the clock on which more have passed. A wall clock that was set forward looks like time
 * that the monotonic clock of a suspended machine has missed.
 */
export function elapsedMs({ monotonic, wall }: Moment, now: Moment = momentNow()): number {
  return Math.max(now.monotonic - monotonic, now.wall - wall);
}
