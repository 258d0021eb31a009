import { BSON } from 'mongodb';
import { MongoServerFault } from './errors.js';
import { type Document, isDocument } from './values.js';

const SESSION_LIFETIME_MS = 30 * 60_000;

/** The session of a write, and its number there. */
export interface WriteIdentity {
  session: string;
  txnNumber: bigint;
}

interface LastWrite {
  txnNumber: bigint;
  reply: Document;
  at: number;
}

/**
 * The last reply of every session. A driver that lost a reply sends the same command with the same number again: it
 * gets the same reply, and the write runs only once.
 */
export class RetryableWrites {
  private readonly last = new Map<string, LastWrite>();

  identify(command: Document): WriteIdentity | undefined {
    const number: unknown = command.txnNumber;
    const lsid: unknown = command.lsid;
    if (number === undefined || !isDocument(lsid) || !(lsid.id instanceof BSON.Binary)) return undefined;
    if (!(number instanceof BSON.Long)) throw new MongoServerFault(14, 'txnNumber must be a long');
    return { session: lsid.id.toString('hex'), txnNumber: number.toBigInt() };
  }

  replyTo({ session, txnNumber }: WriteIdentity): Document | undefined {
    const known = this.last.get(session);
    if (!known || txnNumber > known.txnNumber) return undefined;
    if (txnNumber === known.txnNumber) return known.reply;
    const message = `Retryable write with txnNumber ${txnNumber} is prohibited because a newer retryable write with txnNumber ${known.txnNumber} has already started on this session.`;
    throw new MongoServerFault(225, message);
  }

  remember({ session, txnNumber }: WriteIdentity, reply: Document): void {
    this.last.set(session, { txnNumber, reply, at: Date.now() });
  }

  *all(): Generator<{ identity: WriteIdentity; reply: Document }> {
    for (const [session, { txnNumber, reply }] of this.last)
      yield { identity: { session, txnNumber }, reply };
  }

  dropIdle(now: number): void {
    for (const [session, { at }] of this.last) {
      if (now - at > SESSION_LIFETIME_MS) this.last.delete(session);
    }
  }
}
