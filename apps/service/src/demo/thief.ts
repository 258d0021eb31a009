import type { AddressInfo, Server } from 'node:net';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { parseCookie, parseSetCookie } from 'cookie';
import { LRUCache } from 'lru-cache';
import type { TheftOutcome } from './answers.js';
import { CALLER_HEADER } from './caller.js';
import { REFRESH_PATH } from './lost-responses.js';

const SESSIONS = 200;
const ANSWER_WITHIN_MS = 5000;
const USER_AGENT = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';

/** After these refusals the thief retries. */
const INCONCLUSIVE: ReadonlySet<string | undefined> = new Set(['REFRESH_CONTESTED', 'PROOF_REQUIRED']);

interface Loot {
  /** The browser's cookies as it sent them. */
  readonly cookie: string;
  readonly generation: number;
}

/**
 * Holds copies of cookies, as malware on a visitor's machine would, and presents them from elsewhere in real
 * requests.
 */
@Injectable()
export class Thief {
  private readonly loot = new LRUCache<string, Loot>({ max: SESSIONS });

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  steal(sessionId: string, loot: Loot): void {
    this.loot.set(sessionId, loot);
  }

  /** The generation of the stolen token of a session; null if there is none. */
  generationOf(sessionId: string): number | null {
    return this.loot.get(sessionId)?.generation ?? null;
  }

  /** Presents the stolen token; null if nothing was stolen. */
  async present(sessionId: string): Promise<TheftOutcome | null> {
    const loot = this.loot.get(sessionId);
    if (!loot) return null;
    const presentedGeneration = loot.generation;
    const answer = await fetch(new URL(REFRESH_PATH, this.origin()), {
      method: 'POST',
      headers: { cookie: loot.cookie, 'user-agent': USER_AGENT, [CALLER_HEADER]: 'thief' },
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const body = (await answer.json()) as { code?: string; session?: { generation: number } };
    if (!body.session) {
      if (!INCONCLUSIVE.has(body.code)) this.loot.delete(sessionId);
      return { outcome: 'refused', presentedGeneration, code: body.code ?? 'INTERNAL' };
    }
    // The thief continues with the newest token.
    const { generation } = body.session;
    this.loot.set(sessionId, {
      cookie: withNewCookies(loot.cookie, answer.headers.getSetCookie()),
      generation,
    });
    return { outcome: 'accepted', presentedGeneration, generation };
  }

  /** This process, at the address that clients use. */
  private origin(): string {
    const { address, port, family } = (
      this.adapterHost.httpAdapter.getHttpServer() as Server
    ).address() as AddressInfo;
    if (address === '0.0.0.0' || address === '::') return `http://127.0.0.1:${port}`;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }
}

function withNewCookies(header: string, setCookies: readonly string[]): string {
  const jar = parseCookie(header);
  for (const { name, value } of setCookies.map((each) => parseSetCookie(each))) jar[name] = value;
  return Object.entries(jar)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
}
