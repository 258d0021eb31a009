// Loaded by `node --import` before a service: the machine's wall clock is wrong and steps at each SIGUSR2, as
// when a person or NTP sets it. Monotonic clocks are not changed.
const now = Date.now;
const { timeOrigin } = performance;
const STEPS_MS = [7, -11, 3, -2, 13, -5].map((minutes) => minutes * 60_000);
let offset = 0;
let steps = 0;

function step() {
  offset = STEPS_MS[steps % STEPS_MS.length];
  steps += 1;
  process.stderr.write(`the wall clock now is ${offset / 60_000} min off\n`);
}

Date.now = () => now() + offset;
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [Date.now()] : args, newTarget),
});
Object.defineProperty(performance, 'timeOrigin', { get: () => timeOrigin + offset, configurable: true });
step();
process.on('SIGUSR2', step);
