// Loaded by `node --import` before the doctor's command: the examination does not end, so that a signal arrives during
// it on any machine.
import { DoctorService } from '../../../../dist/index.js';

DoctorService.prototype.examine = () => new Promise(() => undefined);
