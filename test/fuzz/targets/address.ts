import assert from 'node:assert/strict';
import { isIP, isIPv6 } from 'node:net';
import {
  CLIENT_NETWORK,
  clientAddress,
  isNearby,
  networkOf,
  readAddress,
} from '../../../src/core/network.js';

const MAX_ENTRIES = 20;

/** An `X-Forwarded-For` header. */
export function fuzz(data: Buffer): void {
  for (const part of data.toString('latin1').split(',', MAX_ENTRIES)) {
    clientAddress(part);
    isNearby(part);
    const network = networkOf(part, CLIENT_NETWORK);
    if (network !== null) checkNetwork(network);
    const address = readAddress(part);
    if (address !== null) checkAddress(address);
  }
}

function checkAddress(address: string): void {
  assert.notEqual(isIP(address), 0);
  assert.equal(readAddress(address), address);
  const withPort = isIPv6(address) ? `[${address}]:65535` : `${address}:65535`;
  for (const spelling of [withPort, `"${withPort}"`, ` ${address} `, address.toUpperCase()])
    assert.equal(readAddress(spelling)?.toLowerCase(), address.toLowerCase());
  assert.notEqual(clientAddress(address), 'unknown');
  const network = networkOf(address, CLIENT_NETWORK);
  assert(network !== null);
  checkNetwork(network);
}

function checkNetwork(network: string): void {
  const [base = '', bits = ''] = network.split('/');
  assert.equal(bits, isIPv6(base) ? '64' : '24');
  assert.notEqual(isIP(base), 0);
}
