import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { selfSignedCertificate } from './self-signed-certificate.js';

const ARRIVES_WITHIN_MS = 20_000;

export interface CaughtMail extends Email {
  /** The envelope's recipients. */
  readonly recipients: readonly string[];
  /** The message as received. */
  readonly raw: string;
}

export interface MailCatcherOptions {
  /** Status codes for the first messages, such as 451 or 550, in order; later messages are accepted. */
  readonly refusals?: readonly number[];
  /** Accepts connections but never sends anything. */
  readonly isSilent?: boolean;
  /** Offers STARTTLS with a self-signed certificate. */
  readonly offersTls?: boolean;
  /** TLS from the first byte, with the same certificate. */
  readonly isSecure?: boolean;
  /** Requires user name and password. */
  readonly login?: { readonly user: string; readonly password: string };
}

/** A mail server on loopback that keeps the messages it receives. */
export class MailCatcher {
  readonly messages: CaughtMail[] = [];
  /** How many connections were made. */
  connections = 0;
  /** The passwords that clients have sent. */
  readonly passwords: string[] = [];
  private readonly refusals: number[];

  private constructor(
    private readonly server: SMTPServer,
    refusals: readonly number[],
  ) {
    this.refusals = [...refusals];
  }

  static async start(options: MailCatcherOptions = {}, port = 0): Promise<MailCatcher> {
    const { isSilent = false, offersTls = false, isSecure = false, login } = options;
    const server: SMTPServer = new SMTPServer({
      logger: false,
      secure: isSecure,
      ...(offersTls || isSecure ? selfSignedCertificate() : {}),
      authOptional: login === undefined,
      allowInsecureAuth: true,
      disabledCommands: [...(offersTls ? [] : ['STARTTLS']), ...(login ? [] : ['AUTH'])],
      disableReverseLookup: true,
      closeTimeout: 0,
      onConnect: (_session, done) => {
        catcher.connections += 1;
        if (!isSilent) done();
      },
      onAuth: (auth, _session, done) => {
        catcher.passwords.push(String(auth.password));
        const isRight = auth.username === login?.user && auth.password === login?.password;
        done(isRight ? null : new Error('wrong'), { user: auth.username ?? '' });
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const code = catcher.refusals.shift();
          if (code !== undefined) {
            // Real servers quote the address in their refusals.
            const quoted = session.envelope.rcptTo.map(({ address }) => address).join();
            done(Object.assign(new Error(`no mail for ${quoted}`), { responseCode: code }));
            return;
          }
          const raw = Buffer.concat(chunks);
          void PostalMime.parse(raw).then((email) => {
            const recipients = session.envelope.rcptTo.map(({ address }) => address);
            catcher.messages.push({ ...email, recipients, raw: raw.toString() });
            done();
          }, done);
        });
      },
    });
    server.on('error', () => undefined);
    const catcher = new MailCatcher(server, options.refusals ?? []);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return catcher;
  }

  get port(): number {
    return (this.server.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  sentTo(address: string): CaughtMail[] {
    return this.messages.filter(({ recipients }) => recipients.includes(address));
  }

  /** Resolves with the messages to an address once there are `count` of them. */
  async arrived(address: string, count = 1): Promise<CaughtMail[]> {
    await until(() => this.sentTo(address).length >= count, `${count} messages to ${address}`);
    return this.sentTo(address);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(resolve));
  }
}

/** Waits until the condition is true. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + ARRIVES_WITHIN_MS;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`not within ${ARRIVES_WITHIN_MS} ms: ${what}`);
    await delay(20);
  }
}
