import type { RingKey } from '../key-spec.js';
import type { DoctorFacts } from './facts.js';
import type { Observation } from './finding.js';
import { areRelated, estimatedBits, LEAST_BITS } from './secret-strength.js';

const NEW_SECRET = `node -p "crypto.randomBytes(48).toString('base64url')"`;
/** NIST SP 800-57: 128 bits of security, asked for beyond 2030. */
const LASTING_RSA_BITS = 3072;

interface NamedKey {
  readonly subject: string;
  readonly key: RingKey;
}

/** Long enough to pass at boot, and guessable all the same. */
export function guessableKeys({ options }: DoctorFacts): Observation[] {
  const { areKeysDerived, keys } = options.fingerprint;
  const secrets = [
    ...namedKeys({ options }).map(({ subject, key }) => ({ subject, secret: secretOf(key) })),
    ...(areKeysDerived ? [] : keys.map((secret) => ({ subject: 'fingerprint.key', secret }))),
  ];
  return secrets.flatMap(({ subject, secret }) => {
    const bits = secret && Math.floor(estimatedBits(secret));
    if (bits === null || bits >= LEAST_BITS) return [];
    return {
      code: 'keys.guessable' as const,
      subject,
      message: `the secret is long, but made of words, repetitions or few symbols: worth about ${bits} bits, it can be guessed from one token`,
      mend: `add a random one (${NEW_SECRET}), let it sign, and take this one out soon: tokens of whoever guessed it are good until then`,
    };
  });
}

/** Who has the access key, which may be shared with other services, must not have the refresh key. */
export function relatedKeys({ options }: DoctorFacts): Observation[] {
  const keys = namedKeys({ options });
  const access = keys.filter(({ subject }) => subject.startsWith('keys.access'));
  const refresh = keys.filter(({ subject }) => subject.startsWith('keys.refresh'));
  return refresh.flatMap(({ subject, key }) => {
    const secret = secretOf(key);
    const relative = access.find((other) => {
      const otherSecret = secretOf(other.key);
      return secret && otherSecret && areRelated(secret, otherSecret);
    });
    return relative
      ? {
          code: 'keys.related' as const,
          subject,
          message: `the secret is that of ${relative.subject} with something added or changed: who learns one has both`,
          mend: `give it a random secret of its own: ${NEW_SECRET}`,
        }
      : [];
  });
}

export function shortRsaKeys({ options }: DoctorFacts): Observation[] {
  return namedKeys({ options }).flatMap(({ subject, key }) => {
    const bits = key.verifyingKey.asymmetricKeyDetails?.modulusLength;
    if (bits === undefined || bits >= LASTING_RSA_BITS) return [];
    return {
      code: 'keys.rsa-short' as const,
      subject,
      message: `an RSA key of ${bits} bits is good until about 2030`,
      mend: 'rotate to EC P-256 (ES256), which is also shorter and faster to sign with, or to RSA 3072, by then',
    };
  });
}

function namedKeys({ options }: Pick<DoctorFacts, 'options'>): NamedKey[] {
  return (['access', 'refresh'] as const).flatMap((kind) =>
    options.keys[kind].map((key, index) => ({ subject: `keys.${kind}[${index}]`, key })),
  );
}

/** Null for keys that are no secrets that somebody may have thought up. */
function secretOf({ signingKey }: RingKey): Uint8Array | null {
  return signingKey?.type === 'secret' ? signingKey.export() : null;
}
