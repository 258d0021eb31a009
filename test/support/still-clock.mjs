// Loaded by `node --import` before a service: its clock of sessions, tokens and limits stands still, so a busy machine
// outlasts no window in which a test counts.
import { DatabaseClock } from '../../dist/database/database-clock.js';
import { SlidingWindow } from '../../dist/throttle/sliding-window.js';

const startedAt = Date.now();

DatabaseClock.prototype.now = () => startedAt;
// The database's own clock goes on: it must not be read, and must not remove counts.
DatabaseClock.prototype.read = undefined;
SlidingWindow.prototype.expiryAt = () => startedAt + 3_600_000;
