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

/** All peers at the same time: nothing is timed, and most of it is waiting. */
async function play({ running, absent }: Peers, { quick }: BenchContext): Promise<Row[]> {
  const wait = () => delay(quick ? 0 : WAIT_MS);
  const rows = await Promise.all(
    running.map(({ peer, process, http }) => {
      const stage = new Stage(peer, http, wait);
      return Promise.all(SCENARIOS.map((scenario) => playOne(scenario, stage, { peer, process, http })));
    }),
  );
  return [
    ...SCENARIOS.flatMap((_, index) => rows.flatMap((ofPeer) => ofPeer[index] ?? [])),
    ...absent.map(({ peer, reason }) => note(bench.name, `not played: ${peer.title}`, reason)),
  ];
}

async function playOne(scenario: Scenario, stage: Stage, { peer, process }: RunningPeer): Promise<Row> {
  const seen = await scenario.play(stage).catch((error: unknown) => `failed: ${process.reason(error)}`);
  return note(bench.name, `${scenario.name}: ${peer.title}`, seen);
}
