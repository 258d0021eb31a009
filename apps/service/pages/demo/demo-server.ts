import type { AuthClient } from 'nestjs-silent-auth-client';
import type { TheftOutcome, TimelineAnswer } from '../../src/demo/answers.js';

/** The routes that exist for this page alone. */
export class DemoServer {
  constructor(private readonly auth: AuthClient) {}

  timeline(): Promise<TimelineAnswer> {
    return this.ask<TimelineAnswer>('GET', 'timeline');
  }

  async loseResponse(): Promise<void> {
    await this.ask('POST', 'lost-response');
  }

  async beginOutage(): Promise<void> {
    await this.ask('POST', 'outage');
  }

  steal(): Promise<TimelineAnswer> {
    return this.ask<TimelineAnswer>('POST', 'theft');
  }

  replayStolen(): Promise<{ readonly theft: TheftOutcome; readonly timeline: TimelineAnswer }> {
    return this.ask('POST', 'theft/replay');
  }

  private async ask<T>(method: string, path: string): Promise<T> {
    const answer = await this.auth.fetch(`/demo/${path}`, { method });
    const body: unknown = answer.status === 204 ? null : await answer.json();
    if (!answer.ok)
      throw new Error((body as { message?: string }).message ?? `The server answered ${answer.status}.`);
    return body as T;
  }
}
