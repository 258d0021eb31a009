import { randomBytes } from 'node:crypto';
import { type Answer, type Api, type Call, type Session, sessionOf } from './http.js';

export const newAttempt = (): string => randomBytes(16).toString('base64url');

/**
 * A client in body transport that sends attempts: it keeps one until the answer is stored, then sends it as
 * `previous`. Tests set its fields to simulate a crash or a copy.
 */
export class AttemptingClient {
  attempt: string | null = null;
  previous: string | null = null;

  constructor(
    readonly api: Api,
    public session: Session,
  ) {}

  /** Sends a refresh, and stores its answer unless the answer is lost. */
  async refresh({ isLost = false, fields = {}, call = {} }: Refresh = {}): Promise<Answer> {
    this.attempt ??= newAttempt();
    const { attempt, previous } = this;
    const { refreshToken } = this.session;
    const body = { refreshToken, attempt, ...(previous === null ? {} : { previous }), ...fields };
    const answer = await this.api.post('/auth/refresh', body, call);
    if (answer.status === 200 && !isLost) {
      this.session = sessionOf(answer);
      this.previous = attempt;
      this.attempt = null;
    }
    return answer;
  }

  /** A second client with everything that this one holds now. */
  copy(api = this.api): AttemptingClient {
    const copy = new AttemptingClient(api, this.session);
    copy.attempt = this.attempt;
    copy.previous = this.previous;
    return copy;
  }
}

interface Refresh {
  readonly isLost?: boolean;
  readonly fields?: object;
  readonly call?: Call;
}
