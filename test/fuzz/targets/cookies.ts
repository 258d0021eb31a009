import assert from 'node:assert/strict';
import { cookiesOf } from '../../../src/http/http-request.js';
import { cookieName, hintCookieName, refreshCookieName } from '../../../src/http/refresh-cookie.js';
import { deviceToken } from '../../../src/risk/device-token.js';
import { deviceCookie, presentedTokens } from '../support/presented.js';
import { keyRing, NOW, options, signer } from '../support/signed.js';

const { cookie } = options.refreshToken;
const REFRESH = refreshCookieName(cookie);
const DEVICE = cookieName('device', cookie);
const NAMES = [REFRESH, DEVICE, hintCookieName(cookie), '__proto__', 'constructor', ''];

const ACCOUNT = { email: 'ann@example.com', tokenVersion: 'v1' };
const [deviceKey = new Uint8Array()] = keyRing.deviceKeys;
const DEVICE_ID = 'D'.repeat(22);
const KNOWN_DEVICE = deviceToken(DEVICE_ID, ACCOUNT, null, [deviceKey]);
const SESSION = {
  id: '65a000000000000000000001',
  userId: 'user-1',
  generation: 4,
  rotatedAt: new Date(NOW),
  expiresAt: new Date(NOW + 60_000),
  absoluteExpiresAt: new Date(NOW + 600_000),
  transport: 'cookie',
  jkt: null,
} as Parameters<typeof signer.signRefreshToken>[0];
const TOKEN = signer.signRefreshToken(SESSION, 'S'.repeat(43)).token;

/** A `Cookie` header. */
export function fuzz(data: Buffer): void {
  const text = data.toString('latin1');
  read(text);
  // The owner's session and device are found among any other cookies.
  for (const header of [`${text}; ${REFRESH}=${TOKEN}`, `${REFRESH}=${TOKEN}; ${text}`]) {
    assert.equal(presentedTokens.pick(requestOf(header))?.token, TOKEN);
    assert.deepEqual(
      presentedTokens.verified(requestOf(header)).map(({ gen }) => gen),
      [4],
    );
    assert(presentedTokens.mayForget(requestOf(header)));
  }
  for (const header of [`${text}; ${DEVICE}=${KNOWN_DEVICE}`, `${DEVICE}=${KNOWN_DEVICE}; ${text}`])
    assert.equal(deviceCookie.read(requestOf(header), ACCOUNT.email)?.id, DEVICE_ID);
}

function read(text: string): void {
  const request = requestOf(text);
  for (const name of NAMES) {
    const values = cookiesOf(request, name);
    assert.equal(new Set(values).size, values.length);
    for (const value of values) assert(typeof value === 'string' && value !== '');
    assert.deepEqual(cookiesOf(requestOf(text), name), values);
  }
  const picked = presentedTokens.pick(request);
  assert.equal(picked?.token, cookiesOf(request, REFRESH)[0]);
  assert(!presentedTokens.isCookieOfOneSession(request));
  const device = deviceCookie.read(request, null);
  if (device === null) return;
  assert.match([device.id, ...device.codes].join('.'), /^[\w-]{22}(?:\.[\w-]{30}){1,5}$/);
}

function requestOf(header: string) {
  return { headers: { cookie: header } };
}
