import { BSON } from 'mongodb';

import { compilePipeline } from './aggregate.js';
import { changeEvent, isToldByOperator } from './change-event.js';
import type { ServerState } from './commands/command.js';
import type { Batch, CursorSource } from './cursors.js';
import { MongoServerFault, badValue, failedToParse, notImplemented } from './errors.js';
import { BatchBuilder } from './result-cursor.js';
import { type Document, isDocument } from './values.js';
import { NamedFault } from './named-fault.js';

const DEFAULT_AWAIT_MS = 1000;
const READ_OPTIONS = new Set(['fullDocument', 'resumeAfter', 'startAfter', 'startAtOperationTime']);
/** Stages that look at one event by itself; any other would mix events that arrive at different times. */
const EVENT_STAGES = new Set(['$match', '$project']);

export function openChangeStream(
  server: ServerState,
  namespace: string,
  pipeline: readonly Document[],
  batchSize: number,
): Document {
  const [first, ...rest] = pipeline;
  const options: unknown = first!.$changeStream;
  if (!isDocument(options)) throw failedToParse('the $changeStream stage must be specified as an object');
  checkOptions(options);
  const refused = rest.flatMap(Object.keys).find((name) => !EVENT_STAGES.has(name));
  if (refused !== undefined) throw notImplemented(`The stage ${refused} after $changeStream`);
  const stages = compilePipeline(rest);
  const lookUp = options.fullDocument === 'updateLookup';
  const stream = new ChangeStream(server, namespace, stages, lookUp, startOf(server, options));
  const { docs, exhausted, postBatchResumeToken } = stream.take(batchSize);
  const id = exhausted ? BSON.Long.ZERO : server.cursors.add(namespace, stream);
  return { cursor: { firstBatch: docs, postBatchResumeToken, id, ns: namespace } };
}

function checkOptions(options: Document): void {
  const { fullDocument } = options as Record<string, unknown>;
  if (fullDocument === 'whenAvailable' || fullDocument === 'required') {
    throw notImplemented('The documents as they were before or after a change');
  }
  if (fullDocument !== undefined && fullDocument !== 'default' && fullDocument !== 'updateLookup') {
    throw badValue(`unrecognized value for the 'fullDocument' option to the $changeStream stage`);
  }
  for (const name of Object.keys(options)) {
    if (READ_OPTIONS.has(name) || options[name] === false) continue;
    if (name === 'fullDocumentBeforeChange' && options[name] === 'off') continue;
    throw notImplemented(`The option ${name} of $changeStream`);
  }
}

/** The place in the log to begin at: now, after an event already seen, or at a moment. */
function startOf({ changeLog }: ServerState, options: Document): number {
  const given = ['resumeAfter', 'startAfter', 'startAtOperationTime'].filter(
    (name) => options[name] !== undefined,
  );
  if (given.length > 1) throw new MongoServerFault(40674, `Only one of ${given.join(', ')} may be given`);
  const [name] = given;
  if (name === undefined) return changeLog.end;
  if (name !== 'startAtOperationTime') return afterToken(changeLog, options[name], name === 'startAfter');
  const moment: unknown = options[name];
  if (!(moment instanceof BSON.Timestamp)) throw failedToParse('startAtOperationTime must be a timestamp');
  return changeLog.positionOf(moment) ?? historyLost();
}

function historyLost(): never {
  const message =
    'Resume of change stream was not possible, as the resume point may no longer be in the log.';
  throw new NamedFault(286, message);
}

function tokenOf(timestamp: BSON.Timestamp): Document {
  const hex = (part: number) => part.toString(16).toUpperCase().padStart(8, '0');
  return { _data: `82${hex(timestamp.t)}${hex(timestamp.i)}` };
}

function afterToken(changeLog: ServerState['changeLog'], token: unknown, mayBeInvalidate: boolean): number {
  const data: unknown = isDocument(token) ? token._data : undefined;
  const match = typeof data === 'string' ? /^82([0-9A-F]{8})([0-9A-F]{8})$/i.exec(data) : null;
  if (!match) throw new NamedFault(260, 'Invalid resume token');
  const timestamp = new BSON.Timestamp({ t: parseInt(match[1]!, 16), i: parseInt(match[2]!, 16) });
  const position = changeLog.positionOf(timestamp) ?? historyLost();
  const entry = changeLog.entry(position);
  if (!entry?.timestamp.equals(timestamp)) return position;
  if (entry.change.kind === 'invalidate' && !mayBeInvalidate) {
    const message =
      'Attempting to resume a change stream using resumeAfter is not allowed from an invalidate notification.';
    throw new NamedFault(260, message);
  }
  return position + 1;
}

class ChangeStream implements CursorSource {
  readonly awaitsData = true;
  private readonly closed = new AbortController();

  constructor(
    private readonly server: ServerState,
    private readonly namespace: string,
    private readonly stages: (docs: Document[]) => Document[],
    private readonly lookUp: boolean,
    private position: number,
  ) {}

  /** Waits for news for as long as the client allows; an empty batch tells it that there are none. */
  async next(batchSize: number | undefined, maxTimeMs = DEFAULT_AWAIT_MS): Promise<Batch> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), maxTimeMs).unref();
    const stopBoth = AbortSignal.any([stop.signal, this.closed.signal]);
    try {
      for (;;) {
        const batch = this.take(batchSize ?? Infinity);
        if (batch.docs.length > 0 || batch.exhausted || stop.signal.aborted) return batch;
        await this.server.changeLog.nextPublication(stopBoth);
        if (this.closed.signal.aborted) {
          throw new NamedFault(237, 'the cursor was killed');
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** What is there already. */
  take(batchSize: number): Batch {
    const { changeLog } = this.server;
    if (changeLog.isForgotten(this.position)) historyLost();
    const batch = new BatchBuilder(batchSize);
    let exhausted = false;
    let token = tokenOf(changeLog.latestTimestamp);
    for (
      let entry;
      !batch.isFull && !exhausted && (entry = changeLog.entry(this.position));
      this.position++
    ) {
      const { change, timestamp } = entry;
      if (change.kind === 'dropDatabase' || change.namespace !== this.namespace) continue;
      const event = changeEvent(entry);
      if (!event) continue;
      if (this.lookUp && change.kind === 'update' && !change.replacement) {
        event.fullDocument = this.currentDocument(change.doc._id);
      }
      const [shown] = this.stages([{ _id: tokenOf(timestamp), ...event }]);
      if (shown && isToldByOperator(entry)) throw notImplemented('Telling of a change within a field');
      if (shown && !batch.add(shown, BSON.calculateObjectSize(shown))) break;
      exhausted = change.kind === 'invalidate';
    }
    const next = changeLog.entry(this.position - 1);
    if (changeLog.entry(this.position) && next) token = tokenOf(next.timestamp);
    return { docs: batch.docs, exhausted, postBatchResumeToken: token };
  }

  close(): void {
    this.closed.abort();
  }

  private currentDocument(id: unknown): Document | null {
    return this.server.store.find(this.namespace)?.findById(id)?.doc ?? null;
  }
}
