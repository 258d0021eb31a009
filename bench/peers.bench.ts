import { type Bench, type BenchContext, note, type Row, row } from './bench.js';
import type { Contender, Lane } from './load/closed-loop.js';
import { Contest, type ContestLimits, warmUp } from './load/contest.js';
import type { HttpClient } from './load/http.js';
import { RawGet } from './load/raw-get.js';
import { PRODUCTS } from './peers/catalogue.js';
import { type Credentials, type Peer, versionsOf } from './peers/peer.js';
import { type Peers, type RunningPeer, withPeers } from './peers/with-peers.js';

const CLIENTS = 16;

export const bench: Bench = {
  name: 'peers',
  meaning:
    'refreshes, and guarded requests, per second of the processor time that the server’s own process uses: Silent Auth on the same framework (on Fastify, where the peer has one of its own) ÷ the peer. Above 1, Silent Auth is cheaper. Each server has a process and a database of its own; they take turns, each round in another order. Beside a ratio of guarded requests: what is left of the rate of the same server’s open route',
  async run(context) {
    if (process.platform !== 'linux')
      return [
        note(
          'peers',
          'not measured',
          'the processor time of another process is read from /proc, which only Linux has',
        ),
      ];
    return withPeers(context, (peers) => measure(peers, context));
  },
};

async function measure({ running, absent }: Peers, { quick }: BenchContext): Promise<Row[]> {
  const limits: ContestLimits = {
    rounds: quick ? 1 : 7,
    roundMs: quick ? 100 : 800,
    beforehand: warmUp(quick),
    unmeasuredMs: quick ? 0 : 800,
  };
  const refreshes = await refreshContest(running, limits);
  const requests = await requestContest(running, limits);
  return [
    ...running.map(({ peer }) => refreshRow(peer, refreshes)),
    ...running.map(({ peer }) => guardedRow(peer, requests)),
    ...absent.map(({ peer, reason }) => note(bench.name, `not measured: ${peer.title}`, reason)),
    ...versionRows(running),
  ];
}

async function refreshContest(running: readonly RunningPeer[], limits: ContestLimits) {
  const contenders: Record<string, Contender> = {};
  for (const { peer, process, http } of running) {
    const sessions = await signIns(peer, http);
    const lanes = sessions.map((session) => refreshLane(peer, http, session));
    contenders[peer.name] = { host: process, lanes };
  }
  return Contest.hold(contenders, limits);
}

function refreshLane(peer: Peer, http: HttpClient, session: Credentials): Lane {
  let held = session;
  return async () => {
    held = peer.renewed(await http.expect(peer.refresh(held)), held);
  };
}

async function requestContest(running: readonly RunningPeer[], limits: ContestLimits) {
  const contenders: Record<string, Contender> = {};
  const connections: RawGet[] = [];
  for (const { peer, process, http } of running) {
    const calls = (await signIns(peer, http)).map((session) => peer.guarded(session));
    const route = async (path: string | null): Promise<Contender> => {
      const gets = await Promise.all(
        calls.map((call) => RawGet.open(process.origin, path ?? call.path, { ...call.headers })),
      );
      connections.push(...gets);
      return { host: process, lanes: gets.map((get) => () => get.send()) };
    };
    contenders[peer.name] = await route(null);
    if (peer.openPath !== null) contenders[openOf(peer)] = await route(peer.openPath);
  }
  const contest = await Contest.hold(contenders, limits);
  for (const get of connections) get.close();
  return contest;
}

function signIns(peer: Peer, http: HttpClient): Promise<Credentials[]> {
  return Promise.all(Array.from({ length: CLIENTS }, () => peer.signIn(http)));
}

function openOf({ name }: Peer): string {
  return `${name} open`;
}

function refreshRow(peer: Peer, contest: Contest<string>): Row {
  const { measured, unit, rates } = compared(peer, contest);
  const figure = `refresh, ${peer.title}`;
  return row({
    bench: bench.name,
    figure,
    measured,
    unit,
    goal: null,
    details: `${peer.refreshes}; ${rates}`,
  });
}

function guardedRow(peer: Peer, contest: Contest<string>): Row {
  const { measured, unit, rates } = compared(peer, contest);
  const ofOpen =
    peer.openPath === null
      ? ''
      : `; ${contest.ratio(peer.name, openOf(peer), 'ratePerCpu').toFixed(2)} of its open route`;
  const figure = `guarded request, ${peer.title}`;
  return row({ bench: bench.name, figure, measured, unit, goal: null, details: `${rates}${ofOpen}` });
}

/** One row for each package.json. */
function versionRows(running: readonly RunningPeer[]): Row[] {
  const versions = new Set(running.map(({ peer }) => versionsOf(peer.server)));
  return [...versions].flatMap((line) => (line === null ? [] : note(bench.name, 'versions', line)));
}

/** The product ÷ the peer; for the product itself, its rate. */
function compared(peer: Peer, contest: Contest<string>) {
  const rate = contest.rate(peer.name, 'ratePerCpu');
  const product = PRODUCTS.find(({ against }) => against === peer.against);
  if (!product || product === peer)
    return { measured: rate, unit: '/s', rates: 'requests per second of processor time' };
  return {
    measured: contest.ratio(product.name, peer.name, 'ratePerCpu'),
    unit: '×',
    rates: `${whole(contest.rate(product.name, 'ratePerCpu'))} ÷ ${whole(rate)} per second of processor time`,
  };
}

function whole(rate: number): string {
  return rate.toLocaleString('en', { maximumFractionDigits: 0 });
}
