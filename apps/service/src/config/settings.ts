import type { Sender, SmtpServer } from '../mail/mail-settings.js';

export const DATABASES = ['auto', 'uri', 'embedded', 'memory-server'] as const;

export interface DatabaseSettings {
  readonly choice: (typeof DATABASES)[number];
  readonly uri: string | null;
  /** False if nothing may be written. */
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

/** Who may read `/metrics`. */
export interface MetricsSettings {
  /** Null: every client that reaches it; only in development. */
  readonly token: string | null;
}
