import { beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { AUTH_EVENT_NAMES, AuthEventBus, type AuthEvents } from '../../../../src/index.js';
import { Exposition } from '../../../../test/support/exposition.js';
import { EventCounter } from '../../src/metrics/event-counter.js';

const NAME = 'silent_auth_events_total';
const source = { ip: '192.0.2.1', userAgent: null };

describe(EventCounter, () => {
  let registry: Registry;
  let bus: AuthEventBus;

  beforeEach(() => {
    registry = new Registry();
    bus = new AuthEventBus(null);
    new EventCounter(registry, bus).onModuleInit();
  });

  const scrape = async () => new Exposition(await registry.metrics());

  it('begins with every event, and every reason that one can have, at 0', async () => {
    const samples = (await scrape()).samples(NAME);
    expect(new Set(samples.map(({ labels }) => labels['event']))).toEqual(new Set(AUTH_EVENT_NAMES));
    expect(samples.filter(({ value }) => value !== 0)).toEqual([]);
    const reasonsOf = (event: string) =>
      samples.filter(({ labels }) => labels['event'] === event).map(({ labels }) => labels['reason']);
    expect(reasonsOf('user.registered')).toEqual(['']);
    expect(reasonsOf('login.locked')).toEqual(['failure_limit', 'login_limit', 'refresh_limit']);
    expect(reasonsOf('activity.suspected')).toContain('unfamiliar_client');
  });

  it('counts an event once, only under its reason', async () => {
    const failure: AuthEvents['login.failed'] = {
      email: 'ada@example.com',
      userId: null,
      reason: 'unknown_user',
      source,
    };
    for (let time = 0; time < 3; time += 1) await bus.emit('login.failed', failure);
    await bus.emit('login.failed', { ...failure, reason: 'wrong_password' });
    await bus.emit('user.registered', { userId: 'u', source });
    const counted = (await scrape()).samples(NAME).filter(({ value }) => value > 0);
    expect(counted.map(({ labels, value }) => [labels['event'], labels['reason'], value])).toEqual(
      expect.arrayContaining([
        ['login.failed', 'unknown_user', 3],
        ['login.failed', 'wrong_password', 1],
        ['user.registered', '', 1],
      ]),
    );
    expect(counted).toHaveLength(3);
  });

  it('creates no label for unknown values, however many there are', async () => {
    const { size } = await scrape();
    for (let time = 0; time < 50; time += 1)
      await bus.emit('activity.suspected', {
        userId: 'u',
        sessionId: 's',
        rule: `a rule of the host, no. ${time}`,
        action: 'report',
        evidence: {},
        source,
      });
    const after = await scrape();
    expect(after.value(NAME, { event: 'activity.suspected', reason: 'other' })).toBe(50);
    expect(after.size).toBe(size + 1);
  });
});
