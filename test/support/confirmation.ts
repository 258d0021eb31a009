import { MongoClient, ObjectId } from 'mongodb';
import { eventually } from './eventually.js';
import type { Session } from './http.js';
import type { Service } from './service.js';
import { claimsOf } from './tokens.js';

/** Waits until the receipt of this access token is recorded: that happens outside the request. */
export async function untilConfirmed({ settings }: Service, { id, accessToken }: Session): Promise<void> {
  const client = await MongoClient.connect(settings.MONGODB_URI ?? '');
  try {
    const sessions = client.db().collection('refresh_tokens');
    const { gen } = claimsOf(accessToken);
    const session = await eventually(
      () => sessions.findOne({ _id: new ObjectId(id) }),
      (row) => row?.generation !== gen || row?.confirmedAt !== null,
    );
    if (session?.generation === gen && session?.confirmedAt === null) throw new Error('not confirmed');
  } finally {
    await client.close();
  }
}
