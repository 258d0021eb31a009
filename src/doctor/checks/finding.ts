/** Severity of a {@link Finding}: `error` is broken or open to attack, `warning` will cause problems, `info` is worth knowing. */
export type FindingSeverity = 'error' | 'warning' | 'info';

/** One problem that the doctor found. Contains no secrets, so it may be logged and forwarded. */
export interface Finding {
  /** Stable code such as `database.ttl-index`; docs/doctor.md lists all. */
  readonly code: string;
  readonly severity: FindingSeverity;
  /** The subject: an option such as `refreshToken.cookie.path`, or a collection and its index. */
  readonly subject: string;
  /** What is wrong, and the consequence: one sentence without a period. */
  readonly message: string;
  /** What to do about it. */
  readonly fix: string;
}

/** Severity in production, and elsewhere; null if it is not reported there. */
export type SeverityRow = readonly [production: FindingSeverity, elsewhere: FindingSeverity | null];

/** Every code of the library. A test compares this table with docs/doctor.md. */
export const FINDINGS = {
  'configuration.refused': ['error', 'error'],
  'keys.guessable': ['error', 'warning'],
  'keys.related': ['error', 'warning'],
  'keys.rsa-short': ['info', null],
  'database.unreachable': ['error', 'error'],
  'database.unexamined': ['warning', 'warning'],
  'database.ttl-index': ['error', 'warning'],
  'database.unique-index': ['error', 'error'],
  'database.index': ['warning', 'warning'],
  'database.ttl-overdue': ['warning', null],
  'database.standalone': ['warning', 'info'],
  'database.clock': ['warning', 'info'],
  'database.foreign-documents': ['warning', 'warning'],
  'database.foreign-unique-index': ['error', 'warning'],
  'database.foreign-index': ['info', 'info'],
  'users.unreadable': ['error', 'warning'],
  'users.email-case': ['error', 'warning'],
  'users.unknown-hash': ['error', 'warning'],
  'users.incomplete': ['info', 'info'],
  'proxy.trusts-all': ['warning', 'info'],
  'proxy.not-trusted': ['warning', 'info'],
  'routes.shadowed': ['error', 'error'],
  'cookie.path': ['error', 'error'],
  'cookie.path-prefix': ['warning', 'warning'],
  'cookie.path-logout': ['warning', 'warning'],
  'cookie.domain': ['error', 'error'],
  'cookie.secure-on-http': ['error', 'warning'],
  'cookie.secure-on-localhost': ['info', 'info'],
  'cookie.not-secure': ['error', null],
  'cookie.other-site': ['warning', 'warning'],
  'origins.insecure': ['warning', null],
  'issuer.insecure': ['warning', null],
  'issuer.local': ['warning', null],
  'environment.not-production': ['warning', 'warning'],
  'password.cost-low': ['warning', null],
  'password.cost-high': ['warning', null],
  'password.thread-pool': ['warning', 'info'],
  'access-token.long-lived': ['warning', 'info'],
  'refresh-token.shadow-mode': ['warning', null],
  'refresh-token.proof-impossible': ['error', 'warning'],
  'refresh-token.device-unbound': ['warning', 'info'],
  'revocation.off': ['warning', null],
  'throttle.off': ['warning', null],
  'audit.off': ['info', null],
} as const satisfies Record<string, SeverityRow>;

export type FindingCode = keyof typeof FINDINGS;

/** The result of a check, before its severity is known. */
export type Observation<Code extends string = FindingCode> = Omit<Finding, 'code' | 'severity'> & {
  readonly code: Code;
};

const ORDER: readonly FindingSeverity[] = ['error', 'warning', 'info'];

/** Adds the severities of the environment. Returns the worst first. */
export function weigh<Code extends string>(
  observations: readonly Observation<Code>[],
  table: Readonly<Record<Code, SeverityRow>>,
  isProduction: boolean,
): Finding[] {
  return observations
    .flatMap(({ code, subject, message, fix }) => {
      const severity = table[code][isProduction ? 0 : 1];
      return severity === null ? [] : [{ code, severity, subject, message, fix }];
    })
    .sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
}
