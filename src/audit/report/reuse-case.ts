import type { SecurityEvent } from '../security-event.js';
import type { ReuseCase } from '../security-report.js';

/** Reads a row of `refresh_token.reuse_detected`. Fields that earlier versions did not write are empty. */
export function reuseCase({
  at,
  userId = '',
  sessionId = '',
  reason = '',
  ip,
  userAgent,
  evidence = {},
}: SecurityEvent): ReuseCase {
  return {
    at,
    userId,
    sessionId,
    classification: reason,
    presentedGeneration: numberOf(evidence['presentedGeneration']),
    generation: numberOf(evidence['generation']),
    revoked: evidence['revoked'] !== false,
    source: { ip: ip ?? null, userAgent: userAgent ?? null },
    lastUse: lastUseOf(evidence['lastUse']),
  };
}

function lastUseOf(value: unknown): ReuseCase['lastUse'] {
  if (typeof value !== 'object' || value === null) return null;
  const { ip, userAgent, at } = value as Record<string, unknown>;
  if (!(at instanceof Date)) return null;
  return { ip: textOf(ip) ?? '', userAgent: textOf(userAgent), at };
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
