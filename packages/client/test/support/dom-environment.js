import { TestEnvironment } from 'jest-environment-jsdom';

/** Node's own versions of what jsdom lacks, or has in a form that Node's fetch refuses. */
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
  /** Packages resolve as in Node: jest cannot load their browser builds. */
  exportConditions() {
    return ['node', 'node-addons'];
  }

  async setup() {
    await super.setup();
    for (const name of LENT) this.global[name] = globalThis[name];
  }
}
