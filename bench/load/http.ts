import { Pool } from 'undici';

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as a form, instead of a body. */
  readonly form?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** The headers of a browser; the user agent has a typical length. */
export const BROWSER = {
  'user-agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'accept-language': 'en-GB,en;q=0.8',
  'sec-ch-ua-platform': '"Linux"',
} as const;

/** A request that takes longer counts as unanswered. */
const ANSWER_WITHIN_MS = 30_000;

/** Keep-alive connections to one host. */
export class HttpClient {
  private readonly pool: Pool;

  constructor(origin: string, { connections, pipelining = 1 }: { connections: number; pipelining?: number }) {
    this.pool = new Pool(origin, {
      connections,
      pipelining,
      headersTimeout: ANSWER_WITHIN_MS,
      bodyTimeout: ANSWER_WITHIN_MS,
    });
  }

  send({ method, path, headers, ...call }: Call): Promise<Answer> {
    const { type, content } = contentOf(call);
    return new Promise((resolve, reject) => {
      let status = 0;
      let received: Answer['headers'] = {};
      let text = '';
      this.pool.dispatch(
        {
          method,
          path,
          headers: {
            ...BROWSER,
            ...headers,
            ...(type === null ? {} : { 'content-type': type }),
          },
          body: content,
        },
        {
          onRequestStart: () => {},
          onResponseStart: (_, statusCode, responseHeaders) => {
            status = statusCode;
            received = responseHeaders;
          },
          onResponseData: (_, chunk) => {
            text += chunk.toString('latin1');
          },
          onResponseEnd: () => resolve({ status, headers: received, text }),
          onResponseError: (_, error) => reject(error),
        },
      );
    });
  }

  /** @throws if the answer is not 2xx: refusals would make the bench look fast */
  async expect(call: Call): Promise<Answer> {
    const answer = await this.send(call);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw new Error(`${call.method} ${call.path} answered ${answer.status}: ${answer.text.slice(0, 200)}`);
  }

  async close(): Promise<void> {
    await this.pool.close();
  }
}

function contentOf({ body, form }: Pick<Call, 'body' | 'form'>): {
  type: string | null;
  content: string | null;
} {
  if (form) {
    const content = new URLSearchParams({ ...form }).toString();
    return { type: 'application/x-www-form-urlencoded', content };
  }
  if (body === undefined) return { type: null, content: null };
  return { type: 'application/json', content: JSON.stringify(body) };
}
