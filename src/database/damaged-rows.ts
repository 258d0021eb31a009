import { Logger } from '@nestjs/common';
import { mongo, Types } from 'mongoose';

const REMEMBERED = 1000;

/**
 * Reads documents of a collection that somebody else may have written to. A damaged one is skipped and reported once: it
 * must not keep its user, or everybody, from what the others hold.
 */
export class DamagedRows {
  private readonly logger = new Logger('DamagedRows');
  private readonly reported = new Set<string>();

  /** @param advice what to do about such a document */
  constructor(
    private readonly collection: string,
    private readonly advice = 'look what wrote it, and delete it',
  ) {}

  /** What can be read. @param read returns null for a document that is damaged */
  readAll<Row extends { readonly _id: unknown }, T>(rows: readonly Row[], read: (row: Row) => T | null): T[] {
    return rows.flatMap((row) => this.read(row, read) ?? []);
  }

  /** Null: there is no document, or it is damaged. @param why in words, if that is known */
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
