import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { type Model, mongo } from 'mongoose';
import { leastEventId } from '../core/event-id.js';
import { fieldToReason, reasonToField } from '../core/reason-names.js';
import type { SecurityEvent } from '../core/security-event.js';
import type { DayCount } from '../core/security-report.js';
import { ensureIndexes } from '../database/ensure-indexes.js';
import { nativeCollection } from '../database/native-collection.js';
import { orUnavailable } from '../database/unavailable.js';
import type { SecurityDay } from './security-day.schema.js';
import type { SecurityEventRow } from './security-event.schema.js';
import type { DayTops, SecurityEventFilter, SecurityEventStore } from './security-event.store.js';

const DUPLICATE_KEY = 11000;
const DAY_MS = 86_400_000;

/** Keeps the audit log in `security_events` and `security_daily` of the host's connection. */
@Injectable()
export class MongoSecurityEventStore implements SecurityEventStore, OnModuleInit {
  private readonly logger = new Logger('SecurityEventStore');

  constructor(
    private readonly events: Model<SecurityEventRow>,
    private readonly daily: Model<SecurityDay>,
    private readonly isOn: boolean,
  ) {}

  async onModuleInit(): Promise<void> {
    if (!this.isOn) return;
    await ensureIndexes(this.events);
    await ensureIndexes(this.daily);
  }

  async write(events: readonly SecurityEvent[], retentionMs: number): Promise<number> {
    const rows = events.map(({ id, ...rest }): SecurityEventRow => {
      return { _id: toBinary(id), ...rest, expiresAt: new Date(rest.at.getTime() + retentionMs) };
    });
    return orUnavailable(() => this.insertWhatCan(rows));
  }

  async find({ userId, type, from, to, before, limit }: SecurityEventFilter): Promise<SecurityEvent[]> {
    const ids: { $gte?: mongo.Binary; $lt?: mongo.Binary } = {};
    if (from) ids.$gte = toBinary(leastEventId(from));
    const ends = [before, to && leastEventId(to)].filter((id) => id !== undefined).sort();
    if (ends[0] !== undefined) ids.$lt = toBinary(ends[0]);
    const filter: mongo.Filter<SecurityEventRow> = {
      // `$eq`: whatever comes here is a value, never an operator.
      ...(userId === undefined ? {} : { userId: { $eq: userId } }),
      ...(type === undefined ? {} : { type: { $eq: type } }),
      ...(Object.keys(ids).length > 0 ? { _id: ids } : {}),
    };
    const rows = await orUnavailable(() =>
      nativeCollection(this.events)
        .find(filter, { sort: { _id: -1 }, limit, projection: { expiresAt: 0 } })
        .toArray(),
    );
    return rows.map(({ _id, ...rest }) => ({ id: toText(_id), ...rest }));
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
      // Whole lists, not their first entries by `$slice`: where a list has not overflowed, sums of it are exact only with all.
      const rows = nativeCollection(this.daily).find({ day: { $gte: from, $lte: to } }, { sort: { day: 1 } });
      for await (const { day, type, count, reasons, instance, sources = [], targets = [] } of rows) {
        if (type !== undefined && count !== undefined)
          counts.push({ day, type, count, ...byReason(reasons) });
        if (instance !== undefined) take({ day, instance, sources, targets });
      }
    });
    return counts;
  }

  /** @returns what was refused, where the rest was not: repeating all of it would count the rest twice */
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

  /** A row that has no form in the database keeps no other one out either: it would come back with each attempt. */
  private async insertWhatCan(rows: SecurityEventRow[]): Promise<number> {
    try {
      return await this.insert(rows);
    } catch (error) {
      if (error instanceof mongo.MongoError) throw error;
      const good = rows.filter(hasForm);
      const refused = rows.length - good.length;
      if (refused === 0) throw error;
      this.logger.error(`a row cannot be written: ${String(error)}`);
      return refused + (good.length > 0 ? await this.insert(good) : 0);
    }
  }

  /**
   * The bare command, not the driver's `insertMany`, which measures each document before it writes it: rows are many. It
   * is not repeated by the driver, but by who waits for it.
   */
  private async insert(rows: SecurityEventRow[]): Promise<number> {
    const { db } = this.events.db;
    if (!db) throw new Error('the database connection is not open yet');
    const answer = await db.command({
      insert: this.events.collection.collectionName,
      documents: rows,
      // One row that is there already, or that the server will not have, keeps no other one out.
      ordered: false,
      writeConcern: { w: 'majority' },
    });
    const { writeErrors = [], writeConcernError } = answer as InsertAnswer;
    if (writeConcernError) throw new Error(`not written to the majority: ${writeConcernError.errmsg}`);
    // Rows that are there already are what a repeated write finds; others that were refused would be refused again.
    const refused = writeErrors.filter(({ code }) => code !== DUPLICATE_KEY);
    for (const { errmsg } of refused.slice(0, 1)) this.logger.error(`a row was refused: ${errmsg}`);
    return refused.length;
  }
}

interface InsertAnswer {
  readonly writeErrors?: readonly { code: number; errmsg: string }[];
  readonly writeConcernError?: { errmsg: string };
}

function hasForm(row: SecurityEventRow): boolean {
  try {
    mongo.BSON.serialize(row);
    return true;
  } catch {
    return false;
  }
}

/** In a field of their own: who does not know of reasons reads the count as before. */
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

function toBinary(id: string): mongo.Binary {
  return new mongo.Binary(Buffer.from(id.replaceAll('-', ''), 'hex'), mongo.Binary.SUBTYPE_UUID);
}

function toText(binary: mongo.Binary): string {
  const hex = Buffer.from(binary.buffer).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
