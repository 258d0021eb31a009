import { DeviceCookie } from '../../../src/http/device-cookie.js';
import { PresentedRefreshTokens } from '../../../src/http/presented-refresh-tokens.js';
import { RefreshCookie } from '../../../src/http/refresh-cookie.js';
import { KnownDevices } from '../../../src/tokens/known-devices.js';
import { clock, keyRing, options, signer } from './signed.js';

/** No code here writes an answer or asks a store. */
const nothing = {} as never;

export const presentedTokens = new PresentedRefreshTokens(
  new RefreshCookie(options, nothing),
  signer,
  keyRing,
  options,
  clock,
);
export const deviceCookie = new DeviceCookie(
  options,
  nothing,
  keyRing,
  new KnownDevices(keyRing, nothing, nothing, nothing),
);
