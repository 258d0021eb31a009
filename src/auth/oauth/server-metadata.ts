import { PROOF_ALGORITHM } from '../../core/proof.js';
import type { ResolvedAuthOptions } from '../../options/resolve-options.js';

/** Authorization server metadata (RFC 8414 §2), with the fields that apply to this service. */
export interface ServerMetadata {
  readonly issuer: string;
  /** Absent if the host mounts no key set. */
  readonly jwks_uri?: string;
  readonly introspection_endpoint?: string;
  readonly introspection_endpoint_auth_methods_supported?: readonly string[];
  readonly revocation_endpoint?: string;
  readonly revocation_endpoint_auth_methods_supported?: readonly string[];
  /** Required by the RFC; there is no authorization endpoint. */
  readonly response_types_supported: readonly string[];
  readonly grant_types_supported: readonly string[];
  readonly dpop_signing_alg_values_supported?: readonly string[];
}

/** Which endpoints the host has mounted, and where. */
export interface MountedEndpoints {
  /** Global prefix and path of the routes, such as `api/auth`. */
  readonly path: string;
  readonly hasKeySet: boolean;
  readonly hasOauth: boolean;
}

export const KEY_SET_PATH = '/.well-known/jwks.json';
const METADATA_PATH = '/.well-known/oauth-authorization-server';
const CLIENT_AUTHENTICATION = ['client_secret_basic', 'client_secret_post'];

/** The document is at the root of the host, followed by the path of the issuer (RFC 8414 §3.1). */
export function metadataPaths(issuer: string): string[] {
  const path = new URL(issuer).pathname.replace(/\/$/, '');
  return path === '' ? [METADATA_PATH] : [METADATA_PATH, METADATA_PATH + path];
}

export function serverMetadata(
  { issuer, introspectionClients, refreshToken }: ResolvedAuthOptions,
  { path, hasKeySet, hasOauth }: MountedEndpoints,
): ServerMetadata {
  const base = issuer.replace(/\/$/, '');
  const prefix = `/${path}`.replace(/\/{2,}/g, '/').replace(/\/$/, '');
  const endpoint = (name: string) => `${base}${prefix}/${name}`;
  const isForClients = hasOauth && introspectionClients.size > 0;
  return {
    issuer,
    ...(hasKeySet ? { jwks_uri: base + KEY_SET_PATH } : {}),
    ...(isForClients
      ? {
          introspection_endpoint: endpoint('introspect'),
          introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
          revocation_endpoint: endpoint('revoke'),
          revocation_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
        }
      : {}),
    response_types_supported: [],
    grant_types_supported: [],
    ...(refreshToken.senderConstraint === 'off'
      ? {}
      : { dpop_signing_alg_values_supported: [PROOF_ALGORITHM] }),
  };
}
