import { Answer } from '../../support/http.js';

/** What happens to a request: returns the answer, or `null` to cut the connection without one. */
export type Fault = (forward: () => Promise<Answer>) => Promise<Answer | null>;

/** The server has handled it, but its answer never arrives. */
export const loseAnswer: Fault = async (forward) => {
  await forward();
  return null;
};

/** The connection is cut before the server receives the request. */
export const loseRequest: Fault = async () => null;

export function answerWith(
  status: number,
  body: object | string,
  headers: Record<string, string> = {},
): Fault {
  const isText = typeof body === 'string';
  const type = isText ? 'text/html' : 'application/json';
  const text = isText ? body : JSON.stringify(body);
  return async () => new Answer(status, { 'content-type': type, ...headers }, text);
}

/** An error in the service's format. */
export const refuseWith = (status: number, code: string, headers?: Record<string, string>): Fault =>
  answerWith(status, { statusCode: status, code, message: code, error: 'Refused' }, headers);

/** An answer from a proxy instead of the service. */
export const proxyPage = (status: number): Fault =>
  answerWith(status, `<html><title>${status}</title><h1>Blocked by policy</h1></html>`);

/** Holds an answer back until `release`. */
export class Hold {
  /** Resolves when the server has answered. */
  readonly isAnswered: Promise<Answer>;
  /** Sends the answer on. */
  release!: () => void;
  private readonly isReleased = new Promise<void>((resolve) => (this.release = resolve));
  private answered!: (answer: Answer) => void;

  constructor() {
    this.isAnswered = new Promise((resolve) => (this.answered = resolve));
  }

  readonly fault: Fault = async (forward) => {
    const answer = await forward();
    this.answered(answer);
    await this.isReleased;
    return answer;
  };
}
