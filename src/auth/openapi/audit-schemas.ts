import { AUTH_EVENT_NAMES } from '../../core/security-event.js';
import type { Schema } from './open-api.types.js';

/** Answers of the audit log. */
export const AUDIT_SCHEMAS: Record<string, Schema> = {
  SecurityEventPage: {
    type: 'object',
    properties: {
      items: { type: 'array', items: { $ref: '#/components/schemas/SecurityEvent' } },
      nextCursor: { type: 'string', description: 'For the next page; absent on the last one.' },
    },
    required: ['items'],
    additionalProperties: false,
  },
  SecurityEvent: {
    type: 'object',
    description: 'What does not apply is absent.',
    properties: {
      id: { type: 'string', format: 'uuid' },
      at: { type: 'string', format: 'date-time' },
      type: { type: 'string', enum: AUTH_EVENT_NAMES },
      userId: { type: 'string', description: 'Whom it is about.' },
      sessionId: { type: 'string' },
      by: { type: 'string', description: 'The administrator who did it.' },
      ip: { type: 'string', examples: ['203.0.113.9'] },
      userAgent: { type: 'string', maxLength: 256 },
      device: {
        type: 'object',
        description: 'What the client said of its device at login.',
        properties: {
          appId: { type: 'string' },
          deviceId: { type: 'string' },
          deviceName: { type: 'string' },
        },
        additionalProperties: false,
      },
      reason: { type: 'string', examples: ['successor_confirmed'] },
      evidence: { type: 'object', description: 'What else the event tells, by its type.' },
    },
    required: ['id', 'at', 'type'],
    additionalProperties: false,
  },
};
