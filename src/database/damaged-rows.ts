import { Logger } from '@nestjs/common';
import { mongo, Types } from 'mongoose';

const REMEMBERED = 1000;

/**
 * Reads documents of a collection that other programs may write to. A damaged document is skipped and reported once, so it
 * does not block access to the valid ones.
 */
export class DamagedRows {
  private readonly logger = new Logger('DamagedRows');
  private readonly reported = new Set<string>();

  /** @param advice what an operator should do about a damaged document */
  constructor(
    private readonly collection: string,
    private readonly advice = 'find out what wrote it, and delete it',
  ) {}

  /** The documents that can be read. @param read returns null for a damaged document */
  readAll<Row extends { readonly _id: unknown }, T>(rows: readonly Row[], read: (row: Row) => T | null): T[] {
    return rows.flatMap((row) => this.read(row, read) ?? []);
  }

  /** Null if there is no document or it is damaged. @param why the reason in words, if known */
  read<Row extends { readonly _id: unknown }, T>(
    row: Row | null,
    read: (row: Row) => T | null,
    why?: (row: Row) => string,
  ): T | null {
    if (row === null) return null;
    const result = read(row);
    if (result === null) this.report(String(row._id), why ? ` (${why(row)})` : '');
    return result;
  }

  private report(id: string, why: string): void {
    if (this.reported.has(id) || this.reported.size >= REMEMBERED) return;
    this.reported.add(id);
    this.logger.warn(
      `a document of ${this.collection} is damaged and counts as absent${why}; ${this.advice}: _id ${JSON.stringify(id.slice(0, 100))}`,
    );
  }
}

export function isObjectId(value: unknown): value is Types.ObjectId {
  return value instanceof Types.ObjectId;
}

export function isBytes(value: unknown): value is mongo.Binary {
  return value instanceof mongo.Binary;
}
