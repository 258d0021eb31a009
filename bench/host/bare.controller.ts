import { createHash } from 'node:crypto';
import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { InjectConnection } from '@nestjs/mongoose';
import { type Connection, Types } from 'mongoose';

const HASH = createHash('sha256').update('bare').digest('base64url');
const SEALED = Buffer.alloc(60, 1).toString('base64url');
const ADDRESS = '127.0.0.1';
const USER_AGENT = 'u'.repeat(101);
const DAY_MS = 86_400_000;

/** The cost of a refresh for the database and the framework, without the refresh itself: its lower limit. */
@Controller('bare')
export class BareController {
  private readonly absoluteExpiresAt = new Date(Date.now() + 30 * DAY_MS);

  constructor(@InjectConnection() private readonly connection: Connection) {}

  /** Changes a session so that {@link twoCommands} finds it by the same conditions every time. */
  @Post('prepare/:sessionId')
  @HttpCode(200)
  async prepare(@Param('sessionId') sessionId: string) {
    const { absoluteExpiresAt } = this;
    await this.sessions.updateOne(
      { _id: new Types.ObjectId(sessionId) },
      { $set: { tokenHash: HASH, absoluteExpiresAt } },
    );
  }

  @Post('one-command/:sessionId')
  @HttpCode(200)
  async oneCommand(@Param('sessionId') sessionId: string) {
    await this.sessions.findOneAndUpdate(
      { _id: new Types.ObjectId(sessionId) },
      { $set: { lastUsedAt: new Date() }, $inc: { generation: 1 } },
      { returnDocument: 'after' },
    );
    return { ok: true };
  }

  /** The two commands of a refresh, sent at once, and nothing else. */
  @Post('two-commands/:sessionId/:userId')
  @HttpCode(200)
  async twoCommands(@Param('sessionId') sessionId: string, @Param('userId') userId: string) {
    await Promise.all([
      this.rotate(new Types.ObjectId(sessionId), new Date()),
      this.users.findOne({ _id: new Types.ObjectId(userId) }),
    ]);
    return { ok: true };
  }

  private rotate(_id: Types.ObjectId, now: Date) {
    const { absoluteExpiresAt } = this;
    return this.sessions.findOneAndUpdate(
      { _id, tokenHash: HASH, absoluteExpiresAt, revokedAt: null, expiresAt: { $gt: now } },
      {
        $set: {
          tokenHash: HASH,
          rotatedAt: now,
          confirmedAt: null,
          recoveredAt: null,
          lastUsedAt: now,
          expiresAt: new Date(now.getTime() + 7 * DAY_MS),
        },
        $inc: { generation: 1 },
        $push: {
          predecessors: { $each: [{ hash: HASH, sealed: SEALED, rotatedAt: now }], $slice: -4 },
          recentUses: { $each: [{ ip: ADDRESS, userAgent: USER_AGENT, at: now }], $slice: -5 },
        },
      },
      { returnDocument: 'after' },
    );
  }

  private get sessions() {
    return this.collection<Session>('refresh_tokens');
  }

  private get users() {
    return this.collection('users');
  }

  private collection<T extends object>(name: string) {
    const { db } = this.connection;
    if (!db) throw new Error('the connection is open before the first request');
    return db.collection<T>(name, { readPreference: 'primary', writeConcern: { w: 'majority' } });
  }
}

interface Session {
  tokenHash: string;
  generation: number;
  revokedAt: Date | null;
  absoluteExpiresAt: Date;
  predecessors: object[];
  recentUses: object[];
}
