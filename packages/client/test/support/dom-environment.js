import { TestEnvironment } from 'jest-environment-jsdom';

/** What browsers have and jsdom has not, or not so that Node's fetch takes it: Node's own. */
const LENT = [
  'fetch',
  'Request',
  'Response',
  'Headers',
  'AbortController',
  'AbortSignal',
  'ReadableStream',
  'BroadcastChannel',
  'MessageChannel',
  'TextEncoder',
  'TextDecoder',
  'Uint8Array',
  'setImmediate',
  'clearImmediate',
];

export default class DomEnvironment extends TestEnvironment {
  /** Packages as Node has them: their builds for browsers are no modules that jest could load. */
  exportConditions() {
    return ['node', 'node-addons'];
  }

  async setup() {
    await super.setup();
    for (const name of LENT) this.global[name] = globalThis[name];
  }
}
