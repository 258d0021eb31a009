import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** The claims about a person, with the names of OpenID Connect Core §5.1. */
export interface Person {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
}

export const CLIENT = { clientID: 'an-application', clientSecret: 'between-the-two-of-us' };

/** An OpenID provider on loopback where every visitor is already logged in: authorization code with PKCE (S256). */
export class OpenIdProvider {
  /** The next person to sign in. */
  person: Person = { sub: '1' };
  /** How many codes were exchanged for tokens. */
  exchanged = 0;
  private readonly codes = new Map<string, { person: Person; challenge: string; redirectUri: string }>();
  private readonly tokens = new Map<string, Person>();

  private constructor(
    private readonly server: Server,
    readonly origin: string,
  ) {}

  static async start(): Promise<OpenIdProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const provider = new OpenIdProvider(server, `http://127.0.0.1:${port}`);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      provider.answer(request, response).catch(() => response.destroy());
    });
    return provider;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.origin);
    const json = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (url.pathname === '/authorize') {
      const back = this.authorize(url.searchParams);
      return void (back ? response.writeHead(302, { location: back }).end() : json(400, {}));
    }
    if (url.pathname === '/token') {
      const token = this.exchange(new URLSearchParams(await text(request)));
      return void (token
        ? json(200, { access_token: token, token_type: 'Bearer', expires_in: 60 })
        : json(400, { error: 'invalid_grant' }));
    }
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const person = this.tokens.get(bearer ?? url.searchParams.get('access_token') ?? '');
    return void (person ? json(200, person) : json(401, {}));
  }

  private authorize(query: URLSearchParams): string | null {
    const redirectUri = query.get('redirect_uri') ?? '';
    const challenge = query.get('code_challenge') ?? '';
    const isSound =
      query.get('client_id') === CLIENT.clientID &&
      query.get('response_type') === 'code' &&
      query.get('code_challenge_method') === 'S256' &&
      challenge !== '' &&
      query.get('scope')?.split(' ').includes('openid') === true;
    if (!isSound) return null;
    const code = randomBytes(16).toString('base64url');
    this.codes.set(code, { person: this.person, challenge, redirectUri });
    const back = new URL(redirectUri);
    back.search = String(new URLSearchParams({ code, state: query.get('state') ?? '' }));
    return back.href;
  }

  private exchange(form: URLSearchParams): string | null {
    const code = form.get('code') ?? '';
    const grant = this.codes.get(code);
    this.codes.delete(code);
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isSound =
      form.get('client_id') === CLIENT.clientID &&
      form.get('client_secret') === CLIENT.clientSecret &&
      grant?.challenge === challenge &&
      grant.redirectUri === form.get('redirect_uri');
    if (!grant || !isSound) return null;
    this.exchanged += 1;
    const token = randomBytes(16).toString('base64url');
    this.tokens.set(token, grant.person);
    return token;
  }
}
