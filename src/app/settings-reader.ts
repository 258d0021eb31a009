import { isIP } from 'node:net';
import mongoose from 'mongoose';
import type { ConfigurationProblem, TokenKind } from '../index.js';
import { Environment } from './environment.js';
import { developmentKeyFile, type DevelopmentKeys, KeyFileError, readKeySet } from './keys/key-sets.js';
import type { KeySource } from './keys/key-file-watcher.js';
import {
  parseSender,
  parseSmtpUrl,
  type Sender,
  type SmtpServer,
  withoutPassword,
} from './mail/mail-settings.js';
import type { MetricsSettings } from './metrics/metrics-settings.js';

export const DATABASES = ['auto', 'uri', 'embedded', 'memory-server'] as const;

export interface DatabaseSettings {
  readonly choice: (typeof DATABASES)[number];
  readonly uri: string | null;
  /** False where nothing may be written. */
  readonly buildsIndexes: boolean;
}

/** What Express and Fastify both understand as proxy trust. */
export type TrustProxy = boolean | number | string[];

export interface AdminSettings {
  readonly email: string;
  /** Null: one is made. */
  readonly password: string | null;
}

export interface MailSettings {
  /** Null: no mail leaves the machine. */
  readonly smtp: { readonly server: SmtpServer; readonly from: Sender } | null;
  /** Mail links to it. */
  readonly appUrl: string;
  /** The same, unless it is the service itself. */
  readonly frontEnd: string | null;
}

const DEFAULT_PORT = 3000;
/** At least 16 characters that a header takes as they are. */
const METRICS_TOKEN = /^[\x21-\x7e]{16,}$/;

/** Reads the service's own settings one by one, and goes on with the default where one is wrong, so that all is reported. */
export class SettingsReader {
  readonly problems: ConfigurationProblem[] = [];
  readonly warnings: string[] = [];

  constructor(
    private readonly env: Environment,
    private readonly isProduction: boolean,
    private readonly developmentKeys: DevelopmentKeys,
  ) {}

  choice<T extends string>(name: string, fallback: T, choices: readonly T[]): T {
    const given = this.env.text(name);
    const found = choices.find((candidate) => candidate === (given ?? fallback));
    if (found === undefined) this.refuse(name, given, `give one of ${choices.join(', ')}`);
    return found ?? fallback;
  }

  port(): number {
    const port = this.env.number('PORT') ?? DEFAULT_PORT;
    if (typeof port === 'number' && port <= 65535) return port;
    this.refuse('PORT', port, 'give a port number from 0 to 65535');
    return DEFAULT_PORT;
  }

  issuer(port: number): string {
    const issuer = this.env.text('ISSUER');
    if (issuer !== undefined) return issuer;
    const fallback = `http://localhost:${port}`;
    if (this.isProduction)
      this.warnings.push(
        `ISSUER is not set: tokens are issued for ${fallback}. Set it to the public URL of the service.`,
      );
    return fallback;
  }

  database(): DatabaseSettings {
    const uri = this.env.text('MONGODB_URI') ?? null;
    const choice = this.choice('DATABASE', 'auto', DATABASES);
    if (uri !== null && !isMongoUri(uri))
      this.refuse(
        'MONGODB_URI',
        '…',
        'give a URI that begins with mongodb:// or mongodb+srv://, user name and password encoded by encodeURIComponent, with options that the driver knows',
      );
    if (uri === null && (this.isProduction || choice === 'uri'))
      this.refuse(
        'MONGODB_URI',
        undefined,
        'give the connection string of your MongoDB, such as mongodb://db.example.com:27017/auth?replicaSet=rs0',
      );
    if (this.isProduction && (choice === 'embedded' || choice === 'memory-server'))
      this.refuse(
        'DATABASE',
        choice,
        'production needs a real MongoDB: leave DATABASE out and set MONGODB_URI',
      );
    return { choice, uri, buildsIndexes: true };
  }

  /** Null: revocations are shared through MongoDB. */
  redisUrl(): string | null {
    const store = this.choice('REVOCATION_STORE', 'mongodb', ['mongodb', 'redis']);
    const url = this.env.text('REDIS_URL');
    if (store === 'mongodb') {
      if (url !== undefined)
        this.warnings.push(
          'REDIS_URL is set and nothing uses it: set REVOCATION_STORE=redis, or leave it out.',
        );
      return null;
    }
    if (url !== undefined && /^rediss?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) return url;
    // It may hold a password.
    const value = url === undefined ? undefined : '…';
    this.refuse('REDIS_URL', value, 'give the URL of your Redis, such as redis://cache.example.com:6379');
    return null;
  }

  mail(issuer: string): MailSettings {
    const [url, sender] = [this.env.text('SMTP_URL'), this.env.text('MAIL_FROM')];
    const [server, from] = [url === undefined ? null : parseSmtpUrl(url), parseSender(sender ?? '')];
    if (url !== undefined && !server)
      this.refuse(
        'SMTP_URL',
        withoutPassword(url),
        'give the URL of your mail server, such as smtps://user:password@mail.example.com:465 or smtp://mail.example.com:587, user name and password encoded by encodeURIComponent',
      );
    if ((url !== undefined || sender !== undefined) && !from)
      this.refuse('MAIL_FROM', sender, 'give the sender of mail, such as Example <no-reply@example.com>');
    if (url === undefined && sender !== undefined)
      this.warnings.push('MAIL_FROM is set and no mail is sent: set SMTP_URL, or leave it out.');
    const smtp = server && from ? { server, from } : null;
    return { smtp, ...this.linked(issuer, smtp !== null) };
  }

  private linked(issuer: string, isMailSent: boolean): Pick<MailSettings, 'appUrl' | 'frontEnd'> {
    const given = this.env.text('APP_URL');
    // A wrong issuer is refused by its own name; of a good one no more than its path belongs into a link.
    const service = isPage(issuer) ? pageOf(issuer) : 'http://localhost';
    if (given === undefined) {
      if (isMailSent && this.isProduction && this.env.text('ISSUER') === undefined)
        this.warnings.push(
          `Neither APP_URL nor ISSUER is set: mail links to ${service}. Set ISSUER to the public URL of the service, or APP_URL to that of a front end.`,
        );
      return { appUrl: service, frontEnd: null };
    }
    const url = isPage(given) ? new URL(given) : null;
    if (url && url.search + url.hash + url.username === '') {
      const [there, here] = [url.href, service].map((page) => page.replace(/\/$/, ''));
      return { appUrl: url.href, frontEnd: there === here ? null : url.href };
    }
    this.refuse('APP_URL', given, 'give the URL of the front end, such as https://app.example.com');
    return { appUrl: service, frontEnd: null };
  }

  keys(name: string, kind: TokenKind, dataDir: string): KeySource {
    try {
      const given = this.env.text(name);
      if (given !== undefined) {
        const { keys, path, warning } = readKeySet(given);
        if (warning) this.warnings.push(`${name} ${warning}`);
        return { path, read: () => (path === null ? keys : readKeySet(given).keys) };
      }
      if (!this.isProduction) {
        this.warnings.push(
          `${name} is not set: using development keys kept in ${dataDir}. Never do this in production.`,
        );
        this.developmentKeys(dataDir, kind);
        return { path: developmentKeyFile(dataDir), read: () => this.developmentKeys(dataDir, kind) };
      }
      this.refuse(
        name,
        undefined,
        `give a secret of at least 32 random bytes: node -p "crypto.randomBytes(48).toString('base64url')"`,
      );
    } catch (error) {
      if (!(error instanceof KeyFileError)) throw error;
      this.problems.push({ key: name, value: '(keys)', mend: error.message });
    }
    return { path: null, read: () => [] };
  }

  /** The demo page loses answers and steals tokens when asked to. */
  demo(): boolean {
    const isOn = this.choice('DEMO', this.isProduction ? 'off' : 'on', ['on', 'off']) === 'on';
    if (isOn && this.isProduction)
      this.refuse('DEMO', 'on', 'the demo page steals tokens on purpose: leave DEMO out in production');
    return isOn;
  }

  trustProxy(): TrustProxy {
    const flag = this.env.flag('TRUST_PROXY');
    if (flag === undefined) return false;
    const text = this.env.text('TRUST_PROXY');
    if (typeof flag === 'boolean' && !/^[01]$/.test(text ?? '')) return flag;
    const hops = this.env.number('TRUST_PROXY');
    if (typeof hops === 'number') return hops;
    const proxies = this.env.list('TRUST_PROXY') ?? [];
    if (proxies.length > 0 && proxies.every(isNetwork)) return proxies;
    this.refuse(
      'TRUST_PROXY',
      text,
      'give true, false, a number of hops, or addresses and networks such as 10.0.0.0/8',
    );
    return false;
  }

  /** In development there is always an administrator; in production only one whose password was chosen. */
  administrator(): AdminSettings | null {
    const given = this.env.text('ADMIN_EMAIL');
    const password = this.env.text('ADMIN_PASSWORD') ?? null;
    const email = given ?? (this.isProduction ? undefined : 'admin@example.com');
    if (email !== undefined && !/^[^\s@]+@[^\s@]+$/.test(email))
      this.refuse('ADMIN_EMAIL', email, 'give an e-mail address, such as admin@example.com');
    if (this.isProduction && (given === undefined) !== (password === null))
      this.warnings.push(
        'ADMIN_EMAIL and ADMIN_PASSWORD go together, and only one is set: no administrator is made.',
      );
    return email === undefined || (this.isProduction && password === null) ? null : { email, password };
  }

  /** In production they are for those alone who have the token; without one there are none. */
  metrics(): MetricsSettings | null {
    const token = this.env.text('METRICS_TOKEN') ?? null;
    if (token !== null && !METRICS_TOKEN.test(token))
      this.problems.push({
        key: 'METRICS_TOKEN',
        value: '(secret)',
        mend: `give at least 16 visible ASCII characters: node -p "crypto.randomBytes(24).toString('base64url')"`,
      });
    return this.isProduction && token === null ? null : { token };
  }

  private refuse(key: string, value: string | number | undefined, mend: string): void {
    this.problems.push({ key, value: value === undefined ? '(not set)' : `'${value}'`, mend });
  }
}

function isPage(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function pageOf(text: string): string {
  const { origin, pathname } = new URL(text);
  return `${origin}${pathname}`;
}

/** Whether the driver can read it; nothing is connected to. Its own message is not told: it may quote the password. */
function isMongoUri(uri: string): boolean {
  try {
    return Boolean(new mongoose.mongo.MongoClient(uri));
  } catch {
    return false;
  }
}

/** An address, a network (`10.0.0.0/8`), or a name that Express and Fastify know for some. */
function isNetwork(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true;
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
