import { get } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { Controller, Req, Sse, UseGuards } from '@nestjs/common';
import { interval, map } from 'rxjs';
import { type ClientRequest, JwtAuthGuard, SessionWatcher, SocketSessions } from '../../../src/index.js';
import { AuthModule } from '../../../src/index.js';
import { databaseUri } from '../../support/database.js';
import { ADAPTERS, authOptions, HostApp } from '../../support/host-app.js';
import { newSession, REVOCATION_BOUND_MS } from '../../support/http.js';

@Controller('news')
class NewsController {
  constructor(private readonly sockets: SocketSessions) {}

  @Sse()
  @UseGuards(JwtAuthGuard)
  news(@Req() request: ClientRequest) {
    return interval(20).pipe(
      map((data) => ({ data })),
      this.sockets.untilEnded(request),
    );
  }
}

/** Resolves with the first event; `ended` when the server ends the stream. */
function listen(origin: string, token: string) {
  let hear: () => void;
  let end: (status: number) => void;
  const heard = new Promise<void>((resolve) => (hear = resolve));
  const ended = new Promise<number>((resolve) => (end = resolve));
  get(`${origin}/news`, { headers: { authorization: `Bearer ${token}` }, agent: false }, (answer) => {
    answer.on('data', () => hear());
    answer.on('end', () => end(answer.statusCode ?? 0));
  });
  return { heard, ended };
}

describe.each(ADAPTERS)('server-sent events (%s)', (adapter) => {
  it('end when the session ends in another process', async () => {
    const options = authOptions();
    const uri = databaseUri('streams');
    const start = () =>
      HostApp.startWith(
        adapter,
        { imports: [AuthModule.forRoot(options)], controllers: [NewsController] },
        uri,
      );
    const [here, elsewhere] = [await start(), await start()];
    try {
      const session = await newSession(elsewhere.api());
      const other = await newSession(elsewhere.api());
      const watcher = here.app.get(SessionWatcher, { strict: false });
      const stream = listen(here.origin, session.accessToken);
      const staying = listen(here.origin, other.accessToken);
      await Promise.all([stream.heard, staying.heard]);
      expect(watcher.size).toBe(2);
      await elsewhere.api().logout({ token: session.accessToken });
      const since = performance.now();
      expect(await stream.ended).toBe(200);
      expect(performance.now() - since).toBeLessThan(REVOCATION_BOUND_MS);
      expect(watcher.size).toBe(1);
      await elsewhere.api().logout({ token: other.accessToken });
      await staying.ended;
      expect(watcher.size).toBe(0);
    } finally {
      await here.app.close();
      await elsewhere.stop();
    }
  });
});
