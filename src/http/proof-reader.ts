import { Inject, Injectable } from '@nestjs/common';
import { type ProofTarget, requestPath } from '../core/proof.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { originMatcher } from '../options/trusted-origins.options.js';
import type { RequestProof } from '../tokens/client-traits.js';
import { type ProofCheck, ProofVerifier } from '../tokens/proof-verifier.js';
import { extractAccessToken, schemeOf } from './access-token-header.js';
import type { HttpRequest } from './http-request.js';

/** The parts of a request that a proof covers, and the proof itself. */
export type ProofCarrier = Pick<HttpRequest, 'headers'> &
  Partial<Pick<HttpRequest, 'method' | 'originalUrl' | 'protocol' | 'host'>>;

const LOOPBACK = /^(?:[\w-]+\.)*localhost$|^127(?:\.\d{1,3}){3}$|^\[::1\]$/;

/** Reads the header `DPoP` of requests. */
@Injectable()
export class ProofReader {
  /** The public URL of this service. */
  private readonly issuer: ProofTarget;
  private readonly isTrusted: (origin: string) => boolean;
  private readonly proofs = new WeakMap<ProofCarrier, RequestProof>();

  constructor(
    @Inject(AUTH_OPTIONS) options: ResolvedAuthOptions,
    private readonly verifier: ProofVerifier,
  ) {
    this.isTrusted = originMatcher(options.trustedOrigins);
    const { origin, pathname } = new URL(options.issuer);
    this.issuer = { origin, path: (requestPath(pathname) ?? '').replace(/\/$/, '') };
  }

  /** The proof of a request, valid or not; undefined if there is none. */
  of(request: ProofCarrier): RequestProof | undefined {
    const header = request.headers['dpop'];
    if (header === undefined) return undefined;
    let proof = this.proofs.get(request);
    if (!proof) {
      let check: ProofCheck | undefined;
      proof = () => (check ??= this.verify(header, request));
      this.proofs.set(request, proof);
    }
    return proof;
  }

  /** The nonce for the next proof, for the header `DPoP-Nonce`. */
  newNonce(): string {
    return this.verifier.newNonce();
  }

  private verify(header: string | readonly string[], request: ProofCarrier): ProofCheck {
    const path = requestPath(request.originalUrl ?? '');
    // Node joins several headers with commas, which is never a valid proof.
    return this.verifier.verify(String(header), {
      method: request.method ?? '',
      isTarget: (target) => path !== null && this.isTarget(target, path, request),
      accessToken: schemeOf(request) === 'DPoP' ? extractAccessToken(request) : null,
    });
  }

  /**
   * Whether a URL is the one of this route. Its origin has to be configured: the client controls `Host` and
   * `X-Forwarded-Host`, and a proof that was signed for another service must not pass because they name that service. Loopback
   * origins need no configuration.
   */
  private isTarget({ origin, path }: ProofTarget, requested: string, request: ProofCarrier): boolean {
    const { issuer } = this;
    if (origin === issuer.origin && path === issuer.path + requested) return true;
    if (path !== requested) return false;
    return origin === issuer.origin || this.isTrusted(origin) || isLocal(origin, request);
  }
}

function isLocal(origin: string, { protocol, host }: ProofCarrier): boolean {
  return LOOPBACK.test(new URL(origin).hostname) && origin === `${protocol}://${host}`;
}
