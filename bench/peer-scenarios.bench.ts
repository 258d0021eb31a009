import { setTimeout as delay } from 'node:timers/promises';
import { type Bench, type BenchContext, note, type Row } from './bench.js';
import { type Scenario, SCENARIOS, Stage } from './peers/scenarios.js';
import { type Peers, type RunningPeer, withPeers } from './peers/with-peers.js';

/** Longer than the retry of 30 seconds that the scenarios are about. */
const WAIT_MS = 31_000;

export const bench: Bench = {
  name: 'peer-scenarios',
  meaning:
    'the statuses of six situations at each peer: two requests with one refresh token at once (ten times), an answer that was lost, two thefts, a logout, and 64 requests at once. A thief copies a session before its refresh, and the client that comes later does so 31 seconds later',
  run: (context) => withPeers(context, (peers) => play(peers, context)),
};

async function play({ running, absent }: Peers, { quick }: BenchContext): Promise<Row[]> {
  const wait = () => delay(quick ? 0 : WAIT_MS);
  const rows: Row[] = [];
  for (const scenario of SCENARIOS) {
    const plays = running.map((each) => () => playOne(scenario, wait, each));
    // Races one after another: on a machine that is too busy, requests of one moment would be seconds apart.
    rows.push(...(scenario.waits ? await together(plays) : await inTurn(plays)));
  }
  return [
    ...rows,
    ...absent.map(({ peer, reason }) => note(bench.name, `not played: ${peer.title}`, reason)),
  ];
}

function together(plays: readonly (() => Promise<Row>)[]): Promise<Row[]> {
  return Promise.all(plays.map((start) => start()));
}

async function inTurn(plays: readonly (() => Promise<Row>)[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const start of plays) rows.push(await start());
  return rows;
}

async function playOne(
  scenario: Scenario,
  wait: () => Promise<unknown>,
  { peer, process, http }: RunningPeer,
): Promise<Row> {
  const stage = new Stage(peer, http, wait);
  const seen = await scenario.play(stage).catch((error: unknown) => `failed: ${process.reason(error)}`);
  return note(bench.name, `${scenario.name}: ${peer.title}`, seen);
}
