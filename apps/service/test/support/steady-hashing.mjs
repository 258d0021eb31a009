// Loaded by `node --import` before the cost of a hash is measured: makes it 200 ms on any machine.
import { QueuedPasswordHasher } from '../../../../dist/users/queued-password-hasher.js';

Object.defineProperty(QueuedPasswordHasher.prototype, 'fastestMs', { get: () => 200 });
