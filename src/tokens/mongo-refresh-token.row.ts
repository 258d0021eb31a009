import { mongo, Types } from 'mongoose';
import type { RefreshSession } from '../core/refresh-token.store.js';
import type { AbandonedSecret, Predecessor } from '../core/rotation.js';
import type { AbandonedRow, AttemptsRow, PredecessorRow, RefreshToken } from './refresh-token.schema.js';

/** A session as a document. Optional fields without a value are left out. */
export function toRow(session: RefreshSession): RefreshToken {
  const {
    id,
    predecessors,
    abandoned,
    recentUses,
    sharedUse,
    jkt,
    deviceKey,
    authTime,
    amr,
    remember,
    ...rest
  } = session;
  return {
    _id: new Types.ObjectId(id),
    ...rest,
    predecessors: predecessors.map(toPredecessorRow),
    abandoned: abandoned.map(toAbandonedRow),
    recoveredAt: null,
    recentUses: [...recentUses],
    ...(sharedUse ? { sharedUse } : {}),
    ...(jkt === null ? {} : { jkt }),
    ...(deviceKey === undefined ? {} : { deviceKey }),
    ...(authTime ? { authTime } : {}),
    ...(amr ? { amr: [...amr] } : {}),
    ...(remember === false ? { remember } : {}),
  };
}

/** A session from its document, including documents that version 0.1 wrote. */
export function toSession(row: RefreshToken): RefreshSession {
  const {
    _id,
    recoveredAt: _unused,
    predecessors,
    abandoned = [],
    sharedUse = null,
    jkt = null,
    ...rest
  } = row;
  return {
    id: _id.toHexString(),
    ...rest,
    predecessors: predecessors.map(
      ({ hash, gen = 0, sealed, rotatedAt, attempt, formerAttempts, displacedAt = null }) => ({
        hash,
        gen,
        sealed,
        rotatedAt,
        ...toAttempts({ attempt, formerAttempts }),
        displacedAt,
      }),
    ),
    abandoned: abandoned.map(({ hash, gen = 0, sealed, attempt, formerAttempts, abandonedAt }) => ({
      hash: textOf(hash) ?? '',
      gen,
      sealed: textOf(sealed) ?? '',
      ...toAttempts({ attempt, formerAttempts }),
      abandonedAt,
    })),
    sharedUse,
    jkt,
  };
}

export function toPredecessorRow({
  attempt,
  formerAttempts,
  displacedAt,
  ...rest
}: Predecessor): PredecessorRow {
  return {
    ...rest,
    ...toAttemptsRow({ attempt, formerAttempts }),
    ...(displacedAt === null ? {} : { displacedAt }),
  };
}

export function toAbandonedRow({
  hash,
  gen,
  sealed,
  attempt,
  formerAttempts,
  abandonedAt,
}: AbandonedSecret): AbandonedRow {
  return {
    hash: bytesOf(hash),
    gen,
    sealed: bytesOf(sealed),
    ...toAttemptsRow({ attempt, formerAttempts }),
    abandonedAt,
  };
}

function toAttempts({ attempt, formerAttempts }: Optional<AttemptsRow>) {
  return {
    attempt: textOf(attempt),
    ...(formerAttempts && { formerAttempts: formerAttempts.map((each) => textOf(each) ?? '') }),
  };
}

function toAttemptsRow({
  attempt = null,
  formerAttempts,
}: Optional<Pick<Predecessor, 'attempt' | 'formerAttempts'>>): AttemptsRow {
  return {
    ...(attempt === null ? {} : { attempt: bytesOf(attempt) }),
    ...(formerAttempts && { formerAttempts: formerAttempts.map(bytesOf) }),
  };
}

type Optional<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

/** Binary needs three quarters of the size of base64url text. */
function bytesOf(text: string): mongo.Binary {
  return new mongo.Binary(Buffer.from(text, 'base64url'));
}

function textOf(bytes: mongo.Binary | undefined): string | null {
  return bytes ? Buffer.from(bytes.value()).toString('base64url') : null;
}
