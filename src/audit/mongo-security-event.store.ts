import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { type Model, mongo } from 'mongoose';
import { DAY_MS, DUPLICATE_KEY } from '../core/limits.js';
import { isDate } from '../core/value-kinds.js';
import { DamagedRows } from '../database/damaged-rows.js';
import type { IndexRegistry } from '../database/index-registry.js';
import { nativeCollection } from '../database/native-collection.js';
import { orUnavailable } from '../database/unavailable.js';
import { leastEventId } from './event-id.js';
import { fieldToReason, reasonToField } from './reason-names.js';
import type { SecurityDay } from './security-day.schema.js';
import type { SecurityEvent } from './security-event.js';
import type { SecurityEventRow } from './security-event.schema.js';
import type { DayTops, SecurityEventFilter, SecurityEventStore } from './security-event.store.js';
import type { DayCount } from './security-report.js';

/** Keeps the audit log in `security_events` and `security_daily` of the host's connection. */
@Injectable()
export class MongoSecurityEventStore implements SecurityEventStore, OnModuleInit {
  private readonly logger = new Logger('SecurityEventStore');
  private readonly damaged: DamagedRows;

  constructor(
    private readonly events: Model<SecurityEventRow>,
    private readonly daily: Model<SecurityDay>,
    /** Null when there is no audit log: then nothing is built. */
    private readonly indexes: IndexRegistry | null,
  ) {
    this.damaged = new DamagedRows(events.collection.collectionName);
  }

  async onModuleInit(): Promise<void> {
    await this.indexes?.build(this.events);
    await this.indexes?.build(this.daily);
  }

  async write(events: readonly SecurityEvent[], retentionMs: number): Promise<number> {
    const rows = events.map(({ id, ...rest }): SecurityEventRow => {
      return { _id: new mongo.UUID(id), ...rest, expiresAt: new Date(rest.at.getTime() + retentionMs) };
    });
    return orUnavailable(() => this.insertWhatCan(rows));
  }

  async find({ userId, type, from, to, before, limit }: SecurityEventFilter): Promise<SecurityEvent[]> {
    const ids: { $gte?: mongo.Binary; $lt?: mongo.Binary } = {};
    if (from) ids.$gte = new mongo.UUID(leastEventId(from));
    const ends = [before, to && leastEventId(to)].filter((id) => id !== undefined).sort();
    if (ends[0] !== undefined) ids.$lt = new mongo.UUID(ends[0]);
    const filter: mongo.Filter<SecurityEventRow> = {
      // `$eq` makes sure that the input is used as a value, never as an operator.
      ...(userId === undefined ? {} : { userId: { $eq: userId } }),
      ...(type === undefined ? {} : { type: { $eq: type } }),
      ...(Object.keys(ids).length > 0 ? { _id: ids } : {}),
    };
    const rows = await orUnavailable(() =>
      nativeCollection(this.events)
        .find(filter, { sort: { _id: -1 }, limit, projection: { expiresAt: 0 } })
        .toArray(),
    );
    return this.damaged.readAll(rows, readEvent);
  }

  async count(increments: readonly DayCount[], retentionMs: number): Promise<readonly DayCount[]> {
    const refused = await this.update(
      increments.map(({ day, type, count, reasons = {} }) => ({
        filter: { _id: `${day} ${type}` },
        update: {
          $inc: { count, ...byField(reasons) },
          $setOnInsert: { day, type, expiresAt: endOfLife(day, retentionMs) },
        },
      })),
    );
    const indexes = new Set(refused.map(({ index }) => index));
    return increments.filter((_, index) => indexes.has(index));
  }

  async forget(userId: string): Promise<void> {
    const fields = { userId: '', sessionId: '', ip: '', userAgent: '', device: '', evidence: '' } as const;
    // The row about the deletion itself stays: it names only the administrator who deleted the user.
    const filter = { userId, type: { $ne: 'user.deleted' } } as const;
    await orUnavailable(() => nativeCollection(this.events).updateMany(filter, { $unset: fields }));
  }

  async keepTops({ day, instance, sources, targets }: DayTops, retentionMs: number): Promise<void> {
    const [refused] = await this.update([
      {
        filter: { _id: `${day} top ${instance}` },
        update: {
          $set: { sources, targets },
          $setOnInsert: { day, instance, expiresAt: endOfLife(day, retentionMs) },
        },
      },
    ]);
    if (refused) throw new Error(`a list was refused: ${refused.errmsg}`);
  }

  async days(from: string, to: string, take: (lists: DayTops) => void): Promise<readonly DayCount[]> {
    const counts: DayCount[] = [];
    await orUnavailable(async () => {
      // Read whole lists: adding only their first entries would not be exact.
      const rows = nativeCollection(this.daily).find({ day: { $gte: from, $lte: to } }, { sort: { day: 1 } });
      for await (const { day, type, count, reasons, instance, sources = [], targets = [] } of rows) {
        if (type !== undefined && count !== undefined)
          counts.push({ day, type, count, ...byReason(reasons) });
        if (instance !== undefined) take({ day, instance, sources, targets });
      }
    });
    return counts;
  }

  /** @returns the refused updates. The others were applied, so a caller must not repeat all of them. */
  private async update(
    statements: { filter: mongo.Filter<SecurityDay>; update: mongo.UpdateFilter<SecurityDay> }[],
  ): Promise<readonly mongo.WriteError[]> {
    if (statements.length === 0) return [];
    const operations = statements.map((statement) => ({ updateOne: { ...statement, upsert: true } }));
    return orUnavailable(async () => {
      try {
        await nativeCollection(this.daily).bulkWrite(operations, { ordered: false });
        return [];
      } catch (error) {
        const refused = error instanceof mongo.MongoBulkWriteError ? [error.writeErrors].flat() : [];
        if (refused.length > 0) return refused;
        throw error;
      }
    });
  }

  /** Skips rows that BSON cannot express. Otherwise their whole batch would fail with each retry. */
  private async insertWhatCan(rows: SecurityEventRow[]): Promise<number> {
    try {
      return await this.insert(rows);
    } catch (error) {
      if (error instanceof mongo.MongoServerError) throw error;
      const good = rows.filter(isSerializable);
      const refused = rows.length - good.length;
      if (refused === 0) throw error;
      this.logger.error(`a row cannot be written: ${String(error)}`);
      return refused + (good.length > 0 ? await this.insert(good) : 0);
    }
  }

  /** @returns how many rows the server refused, not counting those that exist already */
  private async insert(rows: SecurityEventRow[]): Promise<number> {
    try {
      // Unordered, so that a refused row does not block the others.
      await nativeCollection(this.events).insertMany(rows, { ordered: false });
      return 0;
    } catch (error) {
      const errors = writeErrorsOf(error);
      if (errors.length === 0) throw error;
      // A repeated write finds the rows of the first attempt. Other refusals are final: a retry would be refused again.
      const refused = errors.filter(({ code }) => code !== DUPLICATE_KEY);
      for (const { errmsg } of refused.slice(0, 1)) this.logger.error(`a row was refused: ${errmsg}`);
      return refused.length;
    }
  }
}

/** Null if the document is damaged. */
function readEvent({ _id, ...rest }: Omit<SecurityEventRow, 'expiresAt'>): SecurityEvent | null {
  const isSound =
    _id instanceof mongo.Binary && _id.sub_type === mongo.Binary.SUBTYPE_UUID && isDate(rest.at);
  return isSound ? { id: _id.toUUID().toString(), ...rest } : null;
}

/** The errors of single documents. Empty if the whole write failed or may not have reached the majority. */
function writeErrorsOf(error: unknown): mongo.WriteError[] {
  if (!(error instanceof mongo.MongoBulkWriteError) || error.result.getWriteConcernError()) return [];
  return [error.writeErrors].flat();
}

function isSerializable(row: SecurityEventRow): boolean {
  try {
    mongo.BSON.serialize(row);
    return true;
  } catch {
    return false;
  }
}

/** Reasons have a separate field, so that versions without reasons still read the count. */
function byField(reasons: NonNullable<DayCount['reasons']>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(reasons).map(([reason, count]) => [`reasons.${reasonToField(reason)}`, count]),
  );
}

function byReason(fields: SecurityDay['reasons']): Pick<DayCount, 'reasons'> {
  if (fields === undefined) return {};
  const entries = Object.entries(fields);
  return { reasons: Object.fromEntries(entries.map(([field, count]) => [fieldToReason(field), count])) };
}

function endOfLife(day: string, retentionMs: number): Date {
  return new Date(Date.parse(day) + DAY_MS + retentionMs);
}
