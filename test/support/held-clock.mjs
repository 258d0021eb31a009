// Loaded by `node --import` in front of a service, so that a test moves its clocks (`Service.advance`) instead of waiting.
// Timers are as ever.
import { DatabaseClock } from '../../dist/database/database-clock.js';
import { StandstillWatch } from '../../dist/database/standstill-watch.js';

let aheadMs = Number(process.env.TEST_CLOCK_AHEAD_MS);
const { now } = DatabaseClock.prototype;
const machineNow = Date.now;

DatabaseClock.prototype.now = function () {
  return now.call(this) + aheadMs;
};
// The database's own clock is not held: the times that the service gives it count.
DatabaseClock.prototype.read = undefined;
// A step of the wall clock looks like a machine that was suspended.
Object.defineProperty(StandstillWatch.prototype, 'isFreshlyThawed', { get: () => false });
Date.now = () => machineNow() + aheadMs;
process.on('message', (ms) => {
  aheadMs = ms;
  process.send(ms);
});
// The test's line alone keeps no process alive.
process.channel.unref();
