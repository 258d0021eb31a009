import { type Bench, type BenchContext, eachAdapter, type Row, row } from './bench.js';
import type { Adapter } from './host/host-app.js';
import type { MeasuredHost } from './host/measured-host.js';
import { Contest, type ContestLimits, warmUp } from './load/contest.js';
import { HttpClient } from './load/http.js';
import { ProofKey } from './load/proof-key.js';
import { RawGet } from './load/raw-get.js';
import { registerCall, SessionClient } from './load/session-client.js';

const LANES = 32;
const ROTATIONS_BEFORE = 6;
const GUARDED = '/orders/guarded';

export const bench: Bench = {
  name: 'proof',
  meaning:
    'what a proof of possession (DPoP) costs: refreshes, and guarded requests, of sessions that are bound to a key per second of the processor time that the application uses ÷ those of sessions that are not. Each request of a bound session has a proof of its own',
  run: (context) => eachAdapter((adapter) => measure(adapter, context)),
};

/** A session that is bound to a key. */
interface BoundClient {
  readonly client: SessionClient;
  readonly key: ProofKey;
}

async function measure(adapter: Adapter, { quick, withHost }: BenchContext): Promise<Row[]> {
  return withHost({ adapter, database: 'proof', bindsAccessTokens: true }, async (host) => {
    const http = new HttpClient(host.origin, { connections: LANES });
    const free = await SessionClient.registerMany(http, LANES);
    const bound = await registerBound(http, host.origin);
    for (let turn = 0; turn < ROTATIONS_BEFORE; turn += 1)
      await Promise.all([...free.map((client) => client.refreshAndTake()), ...bound.map(refreshBound)]);
    const limits: ContestLimits = {
      rounds: quick ? 1 : 21,
      roundMs: quick ? 100 : 250,
      beforehand: warmUp(quick),
    };
    const requests = await requestContest(host, free, bound, limits);
    const refreshes = await Contest.hold(
      {
        free: { host, lanes: free.map((client) => () => client.refresh()) },
        bound: { host, lanes: bound.map((each) => () => refreshBound(each)) },
      },
      limits,
    );
    await http.close();

    const figure = (name: string, contest: Contest<'free' | 'bound'>) =>
      row({
        bench: bench.name,
        figure: `${name}, with a proof ÷ without, ${adapter}`,
        measured: contest.ratio('bound', 'free', 'ratePerCpu'),
        unit: '×',
        goal: null,
        details: contest.describe('bound', 'free'),
      });
    return [figure('refresh', refreshes), figure('guarded request', requests)];
  });
}

async function requestContest(
  host: MeasuredHost,
  free: readonly SessionClient[],
  bound: readonly BoundClient[],
  limits: ContestLimits,
) {
  const freeGets = await Promise.all(
    free.map(({ bearerHeader }) => RawGet.open(host.origin, GUARDED, bearerHeader)),
  );
  const boundGets = await Promise.all(
    bound.map(({ client: { accessToken }, key }) =>
      RawGet.open(host.origin, GUARDED, { authorization: `DPoP ${accessToken}` }, () =>
        key.proof('GET', GUARDED, accessToken),
      ),
    ),
  );
  const contest = await Contest.hold(
    {
      free: { host, lanes: freeGets.map((get) => () => get.send()) },
      bound: { host, lanes: boundGets.map((get) => () => get.send()) },
    },
    limits,
  );
  for (const get of [...freeGets, ...boundGets]) get.close();
  return contest;
}

/** One bound session for each lane. */
async function registerBound(http: HttpClient, origin: string): Promise<BoundClient[]> {
  const proofOf = (key: ProofKey) => key.proof('POST', registerCall().path);
  // The first proof has no nonce, and the refusal brings it.
  const refusal = await http.send({ ...registerCall(), headers: proofOf(new ProofKey(origin)) });
  return Promise.all(
    Array.from({ length: LANES }, async () => {
      const key = new ProofKey(origin);
      key.keepNonce(refusal);
      return { key, client: await SessionClient.register(http, proofOf(key)) };
    }),
  );
}

async function refreshBound({ client, key }: BoundClient): Promise<void> {
  key.keepNonce(await client.refreshAndTake(key.proof('POST', '/auth/refresh')));
}
