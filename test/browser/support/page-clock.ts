import type { Tab } from './tab.js';
import type { Device } from './world.js';

/** More than a busy machine takes to stop a clock. */
const AHEAD_MS = 60_000;
/** The client waits for the message of another tab no longer than it waited for the lock, and this long at most. */
export const LONGEST_MESSAGE_WAIT_MS = 500;

/**
 * Stops the clock of the device's pages a minute from now; it must have been installed. From then on time passes
 * only where the test says so, so no wait of the client ends because the machine is busy.
 */
export async function stopClock({ context }: Device): Promise<void> {
  await context.clock.pauseAt(Date.now() + AHEAD_MS);
}

/**
 * While one tab refreshes: waits until all others want to, and then long enough that they also wait for its
 * message. The clock must be stopped.
 */
export async function untilOthersWait(
  { context }: Device,
  [first, ...others]: readonly Tab[],
): Promise<void> {
  await first?.untilLockIsAwaitedBy(others.length);
  await context.clock.fastForward(LONGEST_MESSAGE_WAIT_MS);
}
