import { AUTH_EVENT_NAMES } from '../../core/security-event.js';
import type { Reference, Schema } from './open-api.types.js';

const object = (properties: Record<string, Schema | Reference>, description?: string): Schema => ({
  type: 'object',
  ...(description === undefined ? {} : { description }),
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const list = (items: Schema | Reference, description: string): Schema => ({
  type: 'array',
  items,
  description,
});

const count: Schema = { type: 'integer', minimum: 0 };
const day: Schema = { type: 'string', format: 'date', description: 'UTC.', examples: ['2026-01-31'] };
const moment: Schema = { type: 'string', format: 'date-time' };
const type: Schema = { type: 'string', enum: AUTH_EVENT_NAMES };
const nullableText: Schema = { type: ['string', 'null'] };
const ofTop = {
  key: { type: 'string' },
  count,
  error: { ...count, description: 'The true number is from `count` less this up to `count`.' },
} satisfies Record<string, Schema>;

/** The security report as JSON. */
export const REPORT_SCHEMAS: Record<string, Schema> = {
  SecurityReport: object({
    generatedAt: moment,
    from: day,
    to: { ...day, description: 'UTC; included.' },
    totals: list(object({ type, count }), 'Every type of event, the most frequent first.'),
    days: list(
      object({
        day,
        counts: {
          type: 'object',
          properties: Object.fromEntries(AUTH_EVENT_NAMES.map((name) => [name, count])),
          additionalProperties: false,
        },
      }),
      'Every day of the period, the oldest first; types that did not come on it are absent.',
    ),
    reasons: list(
      object({ type, reason: { type: 'string', examples: ['wrong_password'] }, count }),
      'Of the types that give one; the most frequent first.',
    ),
    topSources: list(object(ofTop), 'Addresses, and networks of IPv6, from which most logins failed.'),
    topTargets: list(
      object({
        ...ofTop,
        email: { ...nullableText, description: 'Null where there is no such user any more.' },
      }),
      'Users for whom most logins failed; `key` is the id.',
    ),
    reuseCases: list(
      { $ref: '#/components/schemas/ReuseCase' },
      'Refresh tokens that were used twice: the newest first, 50 at most.',
    ),
    falseAlarmsAvoided: object(
      { replays: count, recoveries: count },
      'Races between tabs, and lost responses: a usual design would have taken them for theft.',
    ),
    sessions: object(
      { active: count, isAtLeast: { type: 'boolean', description: 'Whether there may be more.' } },
      'As it is now.',
    ),
    indexes: list(
      object({
        collection: { type: 'string' },
        index: { type: 'string', examples: ['{ expiresAt: 1 }'] },
        isTtl: { type: 'boolean' },
        state: { type: 'string', enum: ['ok', 'missing', 'different'] },
        found: { ...nullableText, description: 'What there is in place of a different one.' },
        overdueMs: {
          type: ['integer', 'null'],
          minimum: 0,
          description: 'Of TTL: how long the document that expired first has waited to be removed.',
        },
      }),
      'As they are now.',
    ),
  }),
  ReuseCase: object({
    at: moment,
    userId: { type: 'string' },
    sessionId: { type: 'string' },
    classification: { type: 'string', examples: ['successor_confirmed'] },
    presentedGeneration: count,
    generation: { ...count, description: 'Of the session when the token came.' },
    revoked: { type: 'boolean', description: 'False in shadow mode: nothing was ended.' },
    source: object({ ip: nullableText, userAgent: nullableText }, 'Who presented it.'),
    lastUse: {
      oneOf: [
        object({ ip: { type: 'string' }, userAgent: nullableText, at: moment }, 'The other side.'),
        { type: 'null' },
      ],
    },
  }),
};
