// Loaded by `node --import` in front of what measures the cost of a hash: 200 ms, on whatever machine the tests run.
import { QueuedPasswordHasher } from '../../../../dist/users/queued-password-hasher.js';

Object.defineProperty(QueuedPasswordHasher.prototype, 'fastestMs', { get: () => 200 });
