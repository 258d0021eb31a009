// A development database whose clock the parent process sets with `{ aheadMs }`; it replies once that is
// done.
const machineNow = Date.now;
let aheadMs = 0;

Date.now = () => machineNow() + aheadMs;
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [Date.now()] : args, newTarget),
});

const { startEmbeddedMongo } = await import('../../packages/embedded-mongo/dist/index.js');
const { uri } = await startEmbeddedMongo();

process.on('message', (message) => {
  ({ aheadMs } = message);
  process.send(message);
});
process.on('disconnect', () => process.exit());
process.send({ uri });
