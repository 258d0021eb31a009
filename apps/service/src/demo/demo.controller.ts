import { ConflictException, Controller, Get, Header, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import {
  type AuthenticatedSession,
  AuthHttp,
  type ClientRequest,
  CrossSiteGuard,
  CurrentSession,
  JwtAuthGuard,
  RefreshTokenService,
} from 'nestjs-silent-auth';
import type { TheftOutcome, TimelineAnswer } from './answers.js';
import { LostResponses } from './lost-responses.js';
import { Thief } from './thief.js';
import { Timeline } from './timeline.js';

/** The path of the demo's own routes, next to `/auth`; the page itself is at `/`. */
export const DEMO_PREFIX = 'demo';

/** Longer than a browser's own retry of a request; shorter than any grace period. */
const MOMENT_MS = 1200;

/**
 * What the demo page can do to its own session and to no other: each route acts on the session of the access token.
 * No answer contains a token.
 */
@Controller(DEMO_PREFIX)
@UseGuards(CrossSiteGuard, JwtAuthGuard)
export class DemoController {
  constructor(
    private readonly http: AuthHttp,
    private readonly sessions: RefreshTokenService,
    private readonly timeline: Timeline,
    private readonly lostResponses: LostResponses,
    private readonly thief: Thief,
  ) {}

  @Get('timeline')
  @Header('Cache-Control', 'no-store')
  async show(@CurrentSession() { id }: AuthenticatedSession): Promise<TimelineAnswer> {
    return this.answer(id);
  }

  /** Loses the answer to the next refresh. */
  @Post('lost-response')
  @HttpCode(204)
  @Header('Cache-Control', 'no-store')
  loseResponse(@CurrentSession() { id }: AuthenticatedSession): void {
    this.lostResponses.arm(id, MOMENT_MS);
  }

  /** From the next refresh on, loses answers until the grace period of its token is over. */
  @Post('outage')
  @HttpCode(204)
  @Header('Cache-Control', 'no-store')
  outage(@CurrentSession() { id }: AuthenticatedSession): void {
    this.lostResponses.arm(id, this.sessions.policy.gracePeriodMs);
  }

  /** Lets a thief copy the cookies of this request. */
  @Post('theft')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  async steal(
    @CurrentSession() { id }: AuthenticatedSession,
    @Req() request: ClientRequest,
  ): Promise<TimelineAnswer> {
    const token = this.http.refreshTokenOf({ headers: request.headers });
    const { cookie } = request.headers;
    if (token?.sid !== id || typeof cookie !== 'string')
      throw new ConflictException('This browser holds no refresh token of this session.');
    this.thief.steal(id, { cookie, generation: token.gen });
    this.timeline.record(id, { kind: 'stolen', generation: token.gen });
    return this.answer(id);
  }

  /** Lets the thief present the stolen token. */
  @Post('theft/replay')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  async replay(
    @CurrentSession() { id }: AuthenticatedSession,
  ): Promise<{ readonly theft: TheftOutcome; readonly timeline: TimelineAnswer }> {
    const theft = await this.thief.present(id);
    if (!theft) throw new ConflictException('Nothing was stolen from this session.');
    // The timeline is part of this answer, because an ended session cannot request it any more.
    return { theft, timeline: await this.answer(id) };
  }

  private async answer(sessionId: string): Promise<TimelineAnswer> {
    const session = await this.sessions.findLive(sessionId);
    if (session?.confirmedAt)
      this.timeline.recordConfirmation(sessionId, session.generation, session.confirmedAt);
    return {
      now: Date.now(),
      gracePeriodMs: this.sessions.policy.gracePeriodMs,
      session: session && {
        id: session.id,
        generation: session.generation,
        createdAt: session.createdAt.getTime(),
        rotatedAt: session.rotatedAt.getTime(),
        isConfirmed: session.confirmedAt !== null,
        isBound: session.jkt !== null,
      },
      stolenGeneration: this.thief.generationOf(sessionId),
      events: this.timeline.of(sessionId),
    };
  }
}
