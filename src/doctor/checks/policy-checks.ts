import { HOUR_MS } from '../../core/limits.js';
import { listed } from './cookie-checks.js';
import type { DoctorFacts } from './facts.js';
import type { Observation } from './finding.js';
import { isLocal } from './site.js';

/** A faster hash is too cheap. On a busy machine the measured time is even too long. */
const MIN_HASH_MS = 50;
const MAX_HASH_MS = 1000;
/** The suggested time: users accept it, and it costs an attacker enough. */
const AIM_HASH_MS = 250;
/** OWASP's minimum, however slow this machine is: an attacker uses another. */
const MIN_COST = 10;
const MAX_COST = 18;

/** Whether a hash should be measured again: noise makes it slower, never faster. */
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
        message: `${measured}: whoever steals the hashes, and has better machines, tries many passwords in that time`,
        mend: `set it to ${aim}, which takes about ${aimMs} ms; existing hashes are raised at the next login`,
      },
    ];
  if (!isSuspiciouslySlow(hashMs) || aim >= cost) return [];
  const perSecond = (concurrency * 1000) / hashMs;
  return [
    {
      code: 'password.cost-high',
      subject,
      message: `${measured}: it manages ${perSecond.toPrecision(2)} logins a second (${concurrency} at once), and a few more wait until they get 503`,
      mend: `set it to ${aim}, which takes about ${aimMs} ms, or use a faster machine`,
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
      message: `${given} hashes at once take all ${hashing.threads} threads of libuv's pool: name look-ups and files wait behind a flood of logins`,
      mend: 'lower it below UV_THREADPOOL_SIZE (4 by default), or leave it out',
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
      message: `an access token lives for ${Math.round(ttlMs / 60_000)} minutes: services that only verify signatures trust a stolen one so long, and revocations are kept as long`,
      mend: "shorten it, to '15m' for example: refreshing is silent",
    },
  ];
}

export function shadowMode({ options }: DoctorFacts): Observation[] {
  if (options.refreshToken.reuse !== 'report') return [];
  return [
    {
      code: 'refresh-token.shadow-mode',
      subject: 'refreshToken.reuse',
      message: "'report' is a shadow mode: a detected theft is told and ends no session",
      mend: "set it to 'revoke' when refresh_token.reuse_detected names nobody that it should not",
    },
  ];
}

/** Browsers sign only on pages over HTTPS, or of this machine (WebCrypto needs a secure context). */
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
    mend: "serve them over HTTPS, or set it to 'optional'",
  }));
}

/** Browsers bind `Secure` cookies only. */
export function unboundDevices({ options }: DoctorFacts): Observation[] {
  const { deviceBound, cookie } = options.refreshToken;
  if (deviceBound === 'off' || cookie.secure) return [];
  return [
    {
      code: 'refresh-token.device-unbound',
      subject: 'refreshToken.deviceBound',
      message:
        'browsers bind sessions over HTTPS only, and the refresh cookie is not Secure: no session is bound',
      mend: 'leave refreshToken.cookie.secure at true, and serve HTTPS',
    },
  ];
}

export function revocationOff({ options }: DoctorFacts): Observation[] {
  if (options.revocation.mode !== 'off') return [];
  return [
    {
      code: 'revocation.off',
      subject: 'revocation.mode',
      message: 'access tokens outlive logout, change of password and a detected theft, until they expire',
      mend: "set it to 'feed': guards then ask their memory, and no database",
    },
  ];
}

export function throttleOff({ options }: DoctorFacts): Observation[] {
  if (options.throttle !== null) return [];
  return [
    {
      code: 'throttle.off',
      subject: 'throttle',
      message: 'nobody is slowed down: passwords can be guessed as fast as they are hashed',
      mend: 'leave it out: on; or limit attempts in front of the service',
    },
  ];
}

export function auditOff({ options }: DoctorFacts): Observation[] {
  if (options.audit !== null) return [];
  return [
    {
      code: 'audit.off',
      subject: 'audit',
      message: 'no event is kept: after an attack nobody can tell who was attacked, and from where',
      mend: 'leave it out: on; rows are written off the path of requests, and removed after audit.retention',
    },
  ];
}
