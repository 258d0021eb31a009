import { isGuessable } from '../../options/keys/guessable-secret.js';
import type { RingKey } from '../../options/keys/key-spec.js';
import { areRelated, secretOf } from '../../options/keys/related-secrets.js';
import type { DoctorFacts } from './facts.js';
import type { Observation } from './finding.js';

const NEW_SECRET = `node -p "crypto.randomBytes(48).toString('base64url')"`;
/** NIST SP 800-57 requires 128 bits of security after 2030. */
const LASTING_RSA_BITS = 3072;

interface NamedKey {
  readonly subject: string;
  readonly key: RingKey;
}

/** Secrets that are long enough but guessable. */
export function guessableKeys({ options }: DoctorFacts): Observation[] {
  const { areKeysDerived, keys } = options.fingerprint;
  const secrets = [
    ...namedKeys({ options }).map(({ subject, key }) => ({ subject, secret: secretOf(key) })),
    ...(areKeysDerived ? [] : keys.map((secret) => ({ subject: 'fingerprint.key', secret }))),
  ];
  return secrets
    .filter(({ secret }) => secret !== null && isGuessable(secret))
    .map(({ subject }) => ({
      code: 'keys.guessable' as const,
      subject,
      message:
        'the secret is long, but consists of words, repetitions or few symbols: it can be guessed from one token, and the service does not start with it in production',
      fix: `add a random secret (${NEW_SECRET}) in first place, and remove this one soon: forged tokens stay valid until then`,
    }));
}

/** The access key may be shared with other services, so it must not reveal the refresh key. */
export function relatedKeys({ options }: DoctorFacts): Observation[] {
  const keys = namedKeys({ options });
  const access = keys.filter(({ subject }) => subject.startsWith('keys.access'));
  const refresh = keys.filter(({ subject }) => subject.startsWith('keys.refresh'));
  return refresh.flatMap(({ subject, key }) => {
    const relative = access.find((other) => areRelated(key, other.key));
    return relative
      ? {
          code: 'keys.related' as const,
          subject,
          message: `the secret shares a long part with ${relative.subject}: one reveals the other, and the service does not start with them in production`,
          fix: `use a separate random secret: ${NEW_SECRET}`,
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
      message: `an RSA key of ${bits} bits is considered secure until about 2030`,
      fix: 'by then, rotate to EC P-256 (ES256), which is also shorter and signs faster, or to RSA 3072',
    };
  });
}

function namedKeys({ options }: Pick<DoctorFacts, 'options'>): NamedKey[] {
  return (['access', 'refresh'] as const).flatMap((kind) =>
    options.keys[kind].map((key, index) => ({ subject: `keys.${kind}[${index}]`, key })),
  );
}
