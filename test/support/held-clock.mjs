// Loaded by `node --import` before a service, so that a test moves its clocks (`Service.advance`) instead of
// waiting. Timers are not changed.
import { DatabaseClock } from '../../dist/database/database-clock.js';
import { StandstillWatch } from '../../dist/database/standstill-watch.js';

let aheadMs = Number(process.env.TEST_CLOCK_AHEAD_MS);
const { now } = DatabaseClock.prototype;
const machineNow = Date.now;

DatabaseClock.prototype.now = function () {
  return now.call(this) + aheadMs;
};
// The database's own clock is real, so it must not be read: the service's times count.
DatabaseClock.prototype.read = undefined;
// Without this, a step of the wall clock looks like a machine that was suspended.
Object.defineProperty(StandstillWatch.prototype, 'isFreshlyThawed', { get: () => false });
Date.now = () => machineNow() + aheadMs;
process.on('message', (ms) => {
  aheadMs = ms;
  process.send(ms);
});
// The channel to the test must not keep the process alive.
process.channel.unref();
