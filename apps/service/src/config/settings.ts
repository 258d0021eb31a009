import type { Sender, SmtpServer } from '../mail/mail-settings.js';

export const DATABASES = ['auto', 'uri', 'embedded', 'memory-server'] as const;

export interface DatabaseSettings {
  readonly choice: (typeof DATABASES)[number];
  readonly uri: string | null;
  /** False if the service must not write to the database. */
  readonly buildsIndexes: boolean;
}

/** Proxy trust in a form that both Express and Fastify accept. */
export type TrustProxy = boolean | number | string[];

export interface AdminSettings {
  readonly email: string;
  /** Null: a random one is created. */
  readonly password: string | null;
}

export interface MailSettings {
  /** Null: no mail leaves the machine. */
  readonly smtp: { readonly server: SmtpServer; readonly from: Sender } | null;
  /** The front end that mail links lead to. */
  readonly appUrl: string;
  /** The same URL, or null if it is the service itself. */
  readonly frontEnd: string | null;
}

/** Who may read `/metrics`. */
export interface MetricsSettings {
  /** Null: no token is needed; only in development. */
  readonly token: string | null;
}
