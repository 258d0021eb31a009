import { HOUR_MS } from '../../core/limits.js';
import { listed } from './cookie-checks.js';
import type { DoctorFacts } from './facts.js';
import type { Observation } from './finding.js';
import { isLocal } from './site.js';

/** A faster hash is too cheap to attack. Load can only make the measured time longer, so a short time is certain. */
const MIN_HASH_MS = 50;
const MAX_HASH_MS = 1000;
/** The suggested time: acceptable for users, and expensive enough for an attacker. */
const AIM_HASH_MS = 250;
/** OWASP's minimum. It applies to slow machines too, because an attacker uses a fast one. */
const MIN_COST = 10;
const MAX_COST = 18;

/** Whether the hash should be measured again: other load makes it slower, never faster. */
export function isSuspiciouslySlow(hashMs: number): boolean {
  return hashMs > MAX_HASH_MS;
}

export function hashCost({ options, hashing }: DoctorFacts): Observation[] {
  const { bcryptCost: cost, hasher } = options.password;
  if (hashing === null || hasher !== null) return [];
  const { hashMs, concurrency } = hashing;
  const aim = Math.min(MAX_COST, Math.max(MIN_COST, cost + Math.round(Math.log2(AIM_HASH_MS / hashMs))));
  const aimMs = Math.round(hashMs * 2 ** (aim - cost));
  const subject = 'password.bcryptCost';
  const measured = `at cost ${cost} this machine hashes a password in ${Math.round(hashMs)} ms`;
  if ((hashMs < MIN_HASH_MS || cost < MIN_COST) && aim > cost)
    return [
      {
        code: 'password.cost-low',
        subject,
        message: `${measured}: a thief of the hashes with faster machines can try many passwords in that time`,
        fix: `set it to ${aim}, which takes about ${aimMs} ms; existing hashes are upgraded at the next login`,
      },
    ];
  if (!isSuspiciouslySlow(hashMs) || aim >= cost) return [];
  const perSecond = (concurrency * 1000) / hashMs;
  return [
    {
      code: 'password.cost-high',
      subject,
      message: `${measured}: it can handle ${perSecond.toPrecision(2)} logins per second (${concurrency} at once); further logins wait or get 503`,
      fix: `set it to ${aim}, which takes about ${aimMs} ms, or use a faster machine`,
    },
  ];
}

export function threadPool({ options, hashing }: DoctorFacts): Observation[] {
  const given = options.password.hashConcurrency;
  if (hashing === null || given === null || given < hashing.threads) return [];
  return [
    {
      code: 'password.thread-pool',
      subject: 'password.hashConcurrency',
      message: `${given} concurrent hashes use all ${hashing.threads} threads of libuv's pool: DNS lookups and file access wait during a flood of logins`,
      fix: 'lower it below UV_THREADPOOL_SIZE (4 by default), or leave it out',
    },
  ];
}

export function longAccessTokens({ options }: DoctorFacts): Observation[] {
  const { ttlMs } = options.accessToken;
  if (ttlMs <= HOUR_MS) return [];
  return [
    {
      code: 'access-token.long-lived',
      subject: 'accessToken.ttl',
      message: `an access token lives for ${Math.round(ttlMs / 60_000)} minutes: services that only verify signatures trust a stolen one for that time, and revocations are kept for that time`,
      fix: "shorten it, for example to '15m': users do not notice refreshes",
    },
  ];
}

export function shadowMode({ options }: DoctorFacts): Observation[] {
  if (options.refreshToken.reuse !== 'report') return [];
  return [
    {
      code: 'refresh-token.shadow-mode',
      subject: 'refreshToken.reuse',
      message: "'report' is a shadow mode: a detected theft is only reported and ends no session",
      fix: "set it to 'revoke' when refresh_token.reuse_detected shows no false alarms",
    },
  ];
}

/** Browsers sign only on pages over HTTPS or from localhost (WebCrypto needs a secure context). */
export function impossibleProofs({ options }: DoctorFacts): Observation[] {
  if (options.refreshToken.senderConstraint !== 'required') return [];
  const origins = [new URL(options.issuer).origin, ...listed(options)];
  const insecure = origins.filter(
    (origin) => origin.startsWith('http:') && !isLocal(new URL(origin).hostname),
  );
  return [...new Set(insecure)].map((origin) => ({
    code: 'refresh-token.proof-impossible',
    subject: 'refreshToken.senderConstraint',
    message: `'required' refuses every login without a proof of possession, and browsers cannot sign one on pages of ${origin}: they are not served over HTTPS`,
    fix: "serve them over HTTPS, or set it to 'optional'",
  }));
}

/** Browsers bind only `Secure` cookies. */
export function unboundDevices({ options }: DoctorFacts): Observation[] {
  const { deviceBound, cookie } = options.refreshToken;
  if (deviceBound === 'off' || cookie.secure) return [];
  return [
    {
      code: 'refresh-token.device-unbound',
      subject: 'refreshToken.deviceBound',
      message:
        'browsers bind sessions only over HTTPS, and the refresh cookie is not Secure: no session is bound',
      fix: 'leave refreshToken.cookie.secure at true, and serve HTTPS',
    },
  ];
}

export function revocationOff({ options }: DoctorFacts): Observation[] {
  if (options.revocation.mode !== 'off') return [];
  return [
    {
      code: 'revocation.off',
      subject: 'revocation.mode',
      message:
        'after a logout, a password change or a detected theft, access tokens stay valid until they expire',
      fix: "set it to 'feed': guards then check their memory, not a database",
    },
  ];
}

export function throttleOff({ options }: DoctorFacts): Observation[] {
  if (options.throttle !== null) return [];
  return [
    {
      code: 'throttle.off',
      subject: 'throttle',
      message: 'attempts are not limited: passwords can be guessed as fast as they are hashed',
      fix: 'remove the option, which turns it on; or limit attempts in front of the service',
    },
  ];
}

export function auditOff({ options }: DoctorFacts): Observation[] {
  if (options.audit !== null) return [];
  return [
    {
      code: 'audit.off',
      subject: 'audit',
      message: 'no events are stored: after an attack it is unknown who was attacked, and from where',
      fix: 'remove the option, which turns it on; rows are written off the path of requests, and removed after audit.retention',
    },
  ];
}
