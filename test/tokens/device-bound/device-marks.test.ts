import { describe, expect, it } from '@jest/globals';
import {
  deviceSessionId,
  isCurrentMark,
  MARK_LIFE_MS,
  type MarkPurpose,
  newMark,
  parseDeviceSessionId,
} from '../../../src/tokens/device-bound/device-marks.js';

const [KEY, OLD, FOREIGN] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const [SID, OTHER] = ['0123456789abcdef01234567', 'f'.repeat(24)] as const;
const NOW = Date.parse('2026-11-30T12:00:00Z');
const PURPOSES = Object.keys(MARK_LIFE_MS) as MarkPurpose[];
const DEVICE_KEY = `A${'k'.repeat(43)}`;

describe.each(PURPOSES)('a mark of a %s', (purpose) => {
  const mark = newMark(KEY, purpose, SID, NOW);
  const isGood = (over: {
    mark?: string;
    sid?: string;
    now?: number;
    keys?: Uint8Array[];
    as?: MarkPurpose;
  }) =>
    isCurrentMark(
      over.keys ?? [KEY],
      over.mark ?? mark,
      over.as ?? purpose,
      over.sid ?? SID,
      over.now ?? NOW,
    );

  it('is valid for its lifetime, to the millisecond', () => {
    expect(isGood({})).toBe(true);
    expect(isGood({ now: NOW + MARK_LIFE_MS[purpose] - 1 })).toBe(true);
    expect(isGood({ now: NOW + MARK_LIFE_MS[purpose] })).toBe(false);
  });

  it('is valid for its own session and purpose only', () => {
    expect(isGood({ sid: OTHER })).toBe(false);
    expect(PURPOSES.filter((as) => isGood({ as }))).toEqual([purpose]);
  });

  it('is valid under each key of the ring, and under no other', () => {
    expect(isGood({ keys: [OLD, KEY] })).toBe(true);
    expect(isGood({ keys: [OLD, FOREIGN] })).toBe(false);
  });

  it('cannot be changed, and other text is refused', () => {
    const [expiry = '', mac = ''] = mark.split('.');
    const later = (Number.parseInt(expiry, 36) + 1000).toString(36);
    const odd = [
      '',
      '.',
      mac,
      `${later}.${mac}`,
      `${expiry}.${mac}x`,
      `${expiry.toUpperCase()}.${mac}`,
      `0${mark}`,
    ];
    for (const each of odd) expect(isGood({ mark: each })).toBe(false);
  });
});

describe('the identifier of a device-bound session', () => {
  const identifier = deviceSessionId(KEY, SID, DEVICE_KEY);

  it('contains its session and key, and proves that this server issued it', () => {
    const named = { sessionId: SID, deviceKey: DEVICE_KEY };
    expect(parseDeviceSessionId([OLD, KEY], identifier)).toEqual({ ...named, isRegistered: true });
    // Once the session is bound, its key is in the store, so a retired key of the ring ends nothing.
    expect(parseDeviceSessionId([OLD], identifier)).toEqual({ ...named, isRegistered: false });
    const forged = identifier.replace(SID, OTHER);
    expect(parseDeviceSessionId([KEY], forged)?.isRegistered).toBe(false);
  });

  it.each(['', SID, `${SID}.${DEVICE_KEY}`, `${SID}..`, `${SID.toUpperCase()}x`])('cannot be %j', (text) => {
    expect(parseDeviceSessionId([KEY], text)).toBeNull();
  });
});
