/** The clocks of this process, in milliseconds. */
export interface ProcessClocks {
  /** Continues in a stopped process, but stops in a suspended machine. */
  monotonic(): number;
  /** Continues in both, but can be set. */
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
 * Milliseconds since a moment, by the clock that shows more. Setting the wall clock forward has the same effect as suspending
 * the machine, which only the wall clock notices.
 */
export function elapsedMs({ monotonic, wall }: Moment, now: Moment = momentNow()): number {
  return Math.max(now.monotonic - monotonic, now.wall - wall);
}
