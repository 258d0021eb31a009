import { BSON } from 'mongodb';
import { compilePipeline } from './aggregate.js';
import { changeEvent, isWithinField } from './change-event.js';
import type { ChangeLog, LoggedChange } from './change-log.js';
import type { Batch, CursorSource } from './cursors.js';
import { failedToParse, MongoServerFault, notImplemented } from './errors.js';
import { BatchBuilder } from './result-cursor.js';
import type { ServerState } from './server-state.js';
import { type Document, isDocument } from './values.js';

const DEFAULT_AWAIT_MS = 1000;

/** Follows one collection, from now on or from after an earlier event; a `$match` may filter the events. */
export function openChangeStream(
  { changeLog, cursors }: ServerState,
  namespace: string,
  [first, ...rest]: readonly Document[],
  batchSize: number,
): Document {
  const options: unknown = first?.$changeStream;
  if (!isDocument(options)) throw failedToParse('the $changeStream stage must be specified as an object');
  const other = Object.keys(options).find((name) => name !== 'resumeAfter');
  if (other !== undefined) throw notImplemented(`The option ${other} of $changeStream`);
  // Any other stage would combine events that arrive at different times.
  const refused = rest.flatMap(Object.keys).find((name) => name !== '$match');
  if (refused !== undefined) throw notImplemented(`The stage ${refused} after $changeStream`);
  const position =
    options.resumeAfter === undefined ? changeLog.end : afterToken(changeLog, options.resumeAfter);
  const stream = new ChangeStream(changeLog, namespace, compilePipeline([...rest]), position);
  const { docs, exhausted, postBatchResumeToken } = stream.take(batchSize);
  const id = exhausted ? BSON.Long.ZERO : cursors.add(namespace, stream);
  return { cursor: { firstBatch: docs, postBatchResumeToken, id, ns: namespace } };
}

function historyLost(): never {
  const message =
    'Resume of change stream was not possible, as the resume point may no longer be in the log.';
  throw new MongoServerFault(286, message);
}

function tokenOf(timestamp: BSON.Timestamp): Document {
  const hex = (part: number) => part.toString(16).toUpperCase().padStart(8, '0');
  return { _data: `82${hex(timestamp.t)}${hex(timestamp.i)}` };
}

function afterToken(changeLog: ChangeLog, token: unknown): number {
  const data: unknown = isDocument(token) ? token._data : undefined;
  const [, t, i] = (typeof data === 'string' && /^82([0-9A-F]{8})([0-9A-F]{8})$/i.exec(data)) || [];
  if (t === undefined || i === undefined) throw new MongoServerFault(260, 'Invalid resume token');
  const timestamp = new BSON.Timestamp({ t: parseInt(t, 16), i: parseInt(i, 16) });
  const position = changeLog.positionOf(timestamp) ?? historyLost();
  const entry = changeLog.entry(position);
  if (!entry?.timestamp.equals(timestamp)) return position;
  if (entry.change.kind === 'invalidate') {
    const message =
      'Attempting to resume a change stream using resumeAfter is not allowed from an invalidate notification.';
    throw new MongoServerFault(260, message);
  }
  return position + 1;
}

class ChangeStream implements CursorSource {
  readonly awaitsData = true;
  private readonly closed = new AbortController();

  constructor(
    private readonly changeLog: ChangeLog,
    private readonly namespace: string,
    private readonly filter: (events: Document[]) => Document[],
    private position: number,
  ) {}

  /** Waits for changes up to the client's limit; an empty batch says that there are none. */
  async next(batchSize: number | undefined, maxTimeMs = DEFAULT_AWAIT_MS): Promise<Batch> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), maxTimeMs).unref();
    const stopBoth = AbortSignal.any([stop.signal, this.closed.signal]);
    try {
      for (;;) {
        const batch = this.take(batchSize ?? Infinity);
        if (batch.docs.length > 0 || batch.exhausted || stop.signal.aborted) return batch;
        await this.changeLog.nextPublication(stopBoth);
        if (this.closed.signal.aborted) throw new MongoServerFault(237, 'the cursor was killed');
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Returns what is available now. */
  take(batchSize: number): Batch {
    const { changeLog } = this;
    if (changeLog.isForgotten(this.position)) historyLost();
    const batch = new BatchBuilder(batchSize);
    let exhausted = false;
    while (!batch.isFull && !exhausted) {
      const entry = changeLog.entry(this.position);
      if (!entry) break;
      const event = this.eventOf(entry);
      if (event && !batch.add(event, BSON.calculateObjectSize(event))) break;
      // Also if the `$match` filters the event out.
      exhausted = entry.change.kind === 'invalidate' && entry.change.namespace === this.namespace;
      this.position += 1;
    }
    return { docs: batch.docs, exhausted, postBatchResumeToken: tokenOf(this.lastSeen()) };
  }

  close(): void {
    this.closed.abort();
  }

  private eventOf(entry: LoggedChange): Document | undefined {
    const { change, timestamp } = entry;
    if (change.kind === 'dropDatabase' || change.namespace !== this.namespace) return undefined;
    const event = changeEvent(entry);
    if (!event) return undefined;
    const [shown] = this.filter([{ _id: tokenOf(timestamp), ...event }]);
    if (shown && isWithinField(entry)) throw notImplemented('A change stream over a change within a field');
    return shown;
  }

  /** The timestamp of the last entry read; the server's latest timestamp if all are read. */
  private lastSeen(): BSON.Timestamp {
    const { changeLog, position } = this;
    const last = changeLog.entry(position) && changeLog.entry(position - 1);
    return last ? last.timestamp : changeLog.latestTimestamp;
  }
}
