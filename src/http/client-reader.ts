import { Inject, Injectable } from '@nestjs/common';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import type { ClientTraits } from '../tokens/client-traits.js';
import { KeyRing } from '../tokens/keys/key-ring.js';
import { DeviceCookie } from './device-cookie.js';
import { clientTraits, cookiesOf, emailIn, headerOf, type HttpRequest } from './http-request.js';
import { type ProofCarrier, ProofReader } from './proof-reader.js';
import { boundCookieName } from './refresh-cookie.js';
import { RememberedFingerprints } from './remembered-fingerprints.js';

/** The part of an Express or Fastify request that is read. */
export type ClientRequest = Pick<HttpRequest, 'headers' | 'ip' | 'body' | 'socket' | 'stream' | 'raw'> &
  ProofCarrier;

/** Reads the sender of a request, with its device cookie and its proof of possession. */
@Injectable()
export class ClientReader {
  private readonly fingerprints: RememberedFingerprints;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    keyRing: KeyRing,
    private readonly devices: DeviceCookie,
    private readonly proofs: ProofReader,
  ) {
    this.fingerprints = new RememberedFingerprints(options.fingerprint, keyRing);
  }

  of(request: ClientRequest): ClientTraits {
    const proof = this.proofs.of(request);
    const { deviceBound, cookie } = this.options.refreshToken;
    return {
      ...clientTraits(request, this.fingerprints),
      device: this.devices.read(request, emailIn(request.body)),
      ...(proof ? { proof } : {}),
      ...(deviceBound === 'off'
        ? {}
        : {
            deviceProof: {
              cookies: cookiesOf(request, boundCookieName(cookie)),
              skipped: headerOf(request, 'secure-session-skipped'),
            },
          }),
    };
  }

  /** The traits of a host's request, of existing traits, or of nobody if there is no request. */
  from(sender: ClientRequest | ClientTraits | null): ClientTraits {
    if (sender === null) return { ip: '' };
    return 'headers' in sender ? this.of(sender) : sender;
  }
}
