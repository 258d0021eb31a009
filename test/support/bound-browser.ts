import { type CryptoKey, exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose';
import { type Answer, Browser, type Call, type SetCookie } from './http.js';

const DBSC = { alg: 'ES256', typ: 'dbsc+jwt' };

/** What a browser stores for a device-bound session. */
interface Kept {
  readonly id: string;
  readonly refreshUrl: string;
  readonly heldPath: string;
  readonly cookie: string;
  readonly key: CryptoKey;
}

/**
 * A browser with Device Bound Session Credentials, after the draft and Chromium's behaviour: it registers a
 * key when a login asks for it, and holds requests back while the bound cookie is missing. Uses `jose`, not
 * the code under test.
 */
export class BoundBrowser extends Browser {
  kept: Kept | null = null;
  /** The requests it made by itself, as `POST path status`. */
  readonly own: string[] = [];
  /** If true, the answers to its own requests are lost. */
  losesAnswers = false;
  /** The last `Secure-Session-Registration` header. */
  offer: string | null = null;
  private readonly expiries = new Map<string, number>();

  constructor(
    origin: string,
    private readonly clock: { now(): number } = Date,
    headers: Record<string, string> = {},
  ) {
    super(origin, headers);
  }

  override async send(method: string, path: string, call: Call = {}): Promise<Answer> {
    const { kept } = this;
    const isHeld = kept !== null && path.split('?')[0] === kept.heldPath && !this.has(kept.cookie);
    const skipped = isHeld ? await this.renew() : null;
    const headers = { ...(skipped === null ? {} : { 'secure-session-skipped': skipped }), ...call.headers };
    const answer = await this.plain(method, path, { ...call, headers });
    const offer = answer.headers['secure-session-registration'];
    if (typeof offer === 'string') {
      this.offer = offer;
      await this.registerKey(offer);
    }
    return answer;
  }

  /** Sends the request as a browser without device-bound sessions does. */
  async plain(method: string, path: string, call: Call = {}): Promise<Answer> {
    for (const [name, expiry] of this.expiries)
      if (expiry <= this.clock.now()) {
        this.jar.delete(name);
        this.expiries.delete(name);
      }
    const answer = await super.send(method, path, call);
    for (const cookie of answer.cookies) this.note(cookie);
    return answer;
  }

  has(cookie: string): boolean {
    const expiry = this.expiries.get(cookie);
    return this.jar.has(cookie) && (expiry === undefined || expiry > this.clock.now());
  }

  /** A thief's browser: every cookie, but no key. */
  copy(): BoundBrowser {
    const thief = new BoundBrowser(this.origin, this.clock);
    for (const [name, value] of this.jar) thief.jar.set(name, value);
    return thief;
  }

  private note({ name, attributes }: SetCookie): void {
    if (attributes['max-age'] === undefined) this.expiries.delete(name);
    else this.expiries.set(name, this.clock.now() + Number(attributes['max-age']) * 1000);
  }

  private async registerKey(offer: string): Promise<void> {
    const { path, challenge } = parseOffer(offer);
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const header = { ...DBSC, jwk: await exportJWK(publicKey) } as JWTHeaderParameters;
    const proof = await new SignJWT({ jti: challenge }).setProtectedHeader(header).sign(privateKey);
    const answer = await this.ask(path, { 'secure-session-response': proof });
    if (answer?.status !== 200 || answer.json.continue === false) return;
    const { session_identifier: id, refresh_url: refreshUrl, scope, credentials } = answer.json;
    const heldPath = scope.scope_specification.find((rule: { type: string }) => rule.type === 'include').path;
    this.kept = { id, refreshUrl, heldPath, cookie: credentials[0].name, key: privateKey };
  }

  /** Why the held request continues without the cookie; `null` if the cookie is there or the session has ended. */
  private async renew(): Promise<string | null> {
    let challenge: string | null = null;
    for (let rounds = 0; this.kept && rounds < 3; rounds += 1) {
      const { id, refreshUrl, key } = this.kept;
      const headers: Record<string, string> = { 'sec-secure-session-id': `"${id}"` };
      if (challenge !== null) {
        const signed = await new SignJWT({ jti: challenge }).setProtectedHeader(DBSC).sign(key);
        headers['secure-session-response'] = `"${signed}"`;
      }
      const answer = await this.ask(refreshUrl, headers);
      if (!answer) return `unreachable;session_identifier="${id}"`;
      if (answer.status >= 500) return `server_error;session_identifier="${id}"`;
      if (answer.status === 403) challenge = challengeIn(answer);
      else if (answer.status >= 400 || answer.json.continue === false) this.kept = null;
      else return null;
    }
    return null;
  }

  private async ask(path: string, headers: Record<string, string>): Promise<Answer | null> {
    // A lost answer sets no cookie.
    const jar = new Map(this.jar);
    const answer = await this.plain('POST', path, { headers });
    this.own.push(`POST ${path} ${answer.status}`);
    if (!this.losesAnswers) return answer;
    this.jar.clear();
    for (const [name, value] of jar) this.jar.set(name, value);
    return null;
  }
}

export function parseOffer(offer: string): { path: string; challenge: string } {
  const [, path = '', challenge = ''] = /^\(ES256\);path="([^"]+)";challenge="([^"]+)"$/.exec(offer) ?? [];
  if (path === '') throw new Error(`no offer: ${offer}`);
  return { path, challenge };
}

export function challengeIn({ headers }: Answer): string {
  const [, challenge] = /^"([^"]+)";id="[^"]+"$/.exec(String(headers['secure-session-challenge'])) ?? [];
  if (challenge === undefined) throw new Error('no challenge');
  return challenge;
}
