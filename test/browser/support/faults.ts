import { Answer } from '../../support/http.js';

/** What befalls a request on its way: the answer to give, or `null` to cut the line without one. */
export type Fault = (forward: () => Promise<Answer>) => Promise<Answer | null>;

/** The server has done it; its answer never arrives. */
export const loseAnswer: Fault = async (forward) => {
  await forward();
  return null;
};

/** The line is cut on the way there: the server never hears of it. */
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

/** In the service's one shape. */
export const refuseWith = (status: number, code: string, headers?: Record<string, string>): Fault =>
  answerWith(status, { statusCode: status, code, message: code, error: 'Refused' }, headers);

/** An answer of an intermediary that is not the service. */
export const proxyPage = (status: number): Fault =>
  answerWith(status, `<html><title>${status}</title><h1>Blocked by policy</h1></html>`);

/** Keeps an answer back. */
export class Hold {
  /** The server has answered. */
  readonly isAnswered: Promise<Answer>;
  /** Lets the answer go on. */
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
