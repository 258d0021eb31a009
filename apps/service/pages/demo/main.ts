import { type AuthState, createAuthClient, type SignOutReason } from 'nestjs-silent-auth-client';
import type { TimelineAnswer } from '../../src/demo/answers.js';
import { byId, setText } from '../dom.js';
import { restoreIfBegun } from '../restore.js';
import { zoneName } from '../times.js';
import { DemoServer } from './demo-server.js';
import { Ending } from './ending.js';
import { EventLog } from './event-log.js';
import { Experiments, REPLACED } from './experiments.js';
import { Picture } from './picture.js';
import { legend } from './picture-marks.js';
import { proofIfChosen } from './proof-if-chosen.js';
import { SessionList } from './session-list.js';
import { wireSignIn } from './sign-in.js';
import { tell } from './story.js';
import { claimTabName } from './tab-name.js';
import { TokenLife } from './token-life.js';

const LOOK_EVERY_MS = 1000;
const LIST_EVERY_MS = 8000;

/** The end of a session, as the tab saw it that could still ask. */
interface LastWords {
  readonly sessionId: string;
  readonly timeline: TimelineAnswer;
}

const tab = await claimTabName();
/** Goes on after the numbers of a page before: a reload keeps the name of its tab. */
let requestCount = Date.now();
const auth = createAuthClient({
  baseUrl: '/auth',
  proof: proofIfChosen(() => byId<HTMLInputElement>('bound').checked),
  onSignedOut: end,
  // Labels for the picture: which tab refreshed, and what the browser sends again by itself.
  fetch: (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('x-demo-caller', tab);
    requestCount += 1;
    headers.set('x-demo-request', `${tab} ${requestCount}`);
    return fetch(input, { ...init, headers });
  },
});
const server = new DemoServer(auth);
const life = new TokenLife();
const picture = new Picture(byId('canvas'));
const log = new EventLog(announce);
const ending = new Ending();
const list = new SessionList(auth, announce);
const tabs = new BroadcastChannel('silent-auth-demo');

let sessionId: string | null = null;
let renewing: Promise<unknown> | null = null;
let begunAt = 0;
let clockAheadMs = 0;
let latest: TimelineAnswer | null = null;

const experiments = new Experiments({ auth, server, look, show: showAndSend, announce });
tabs.onmessage = ({ data }) => {
  const words = data as LastWords;
  if (words.sessionId !== sessionId) return;
  show(words.timeline);
  ending.correct(log.hasTheft);
};
byId('legend').append(...legend());
setText(byId('tab'), `This is ${tab}`);
byId('tab').hidden = false;
setText(byId('zone'), `times in ${zoneName()}`);
byId('logout').addEventListener('click', () => void auth.logout().catch(() => undefined));
wireSignIn(auth);
auth.subscribe(accept);
await restoreIfBegun(auth, '/demo/session').catch(() => undefined);
accept(auth.getState());
setInterval(() => void lookIfSignedIn(), LOOK_EVERY_MS);
setInterval(renewIfDue, LOOK_EVERY_MS);
setInterval(() => void refreshList(), LIST_EVERY_MS);
draw();

function accept(state: AuthState): void {
  const isSignedIn = state.status === 'signed-in';
  byId('welcome').hidden = isSignedIn;
  for (const id of ['token', 'break', 'sessions']) byId(id).hidden = !isSignedIn;
  // The story of a session that ended stays to be read.
  byId('session').hidden = !isSignedIn && sessionId === null;
  if (!isSignedIn) return;
  if (state.session.id !== sessionId) begin(state.session.id);
  life.accept(state);
  void lookIfSignedIn();
}

function begin(id: string): void {
  sessionId = id;
  latest = null;
  ending.clear();
  log.clear();
  list.clear();
  experiments.reset(true);
  void refreshList();
  announce('You are signed in.');
}

function end(reason: SignOutReason): void {
  experiments.reset(false);
  // Without the server's word on it, the picture ends here and now.
  if (latest?.session) {
    const event = { id: 0, kind: 'revoked', at: Date.now() + clockAheadMs, caller: null } as const;
    picture.show(tell({ ...latest, session: null, events: [...latest.events, event] }, begunAt));
  }
  ending.show(reason, log.hasTheft);
}

async function look(): Promise<TimelineAnswer> {
  const timeline = await server.timeline();
  // An answer that was on its way when its session ended, or another began, is late.
  if (auth.getState().session?.id === timeline.session?.id) show(timeline);
  return timeline;
}

async function lookIfSignedIn(): Promise<void> {
  // What fails now is asked again in a second.
  if (auth.getState().status === 'signed-in') await look().catch(() => undefined);
}

/** Where access tokens live long, as in a session that began elsewhere, the page renews them early. */
function renewIfDue(): void {
  if (renewing || !life.isDue || auth.getState().status !== 'signed-in') return;
  renewing = auth
    .getAccessToken()
    .then((token) => token && auth.getAccessToken({ refused: token, code: REPLACED }))
    // What fails now is asked again in a second.
    .catch(() => undefined)
    .finally(() => (renewing = null));
}

function showAndSend(timeline: TimelineAnswer): void {
  show(timeline);
  if (timeline.session === null && sessionId !== null)
    tabs.postMessage({ sessionId, timeline } satisfies LastWords);
}

function show(timeline: TimelineAnswer): void {
  // An answer that a newer one overtook would take the end of the session out of the picture.
  if (latest && timeline.now < latest.now) return;
  latest = timeline;
  begunAt = timeline.session?.createdAt ?? begunAt;
  if (timeline.session)
    setText(byId('key'), timeline.session.isBound ? 'a key of this browser' : 'anyone with its cookie');
  clockAheadMs = timeline.now - Date.now();
  picture.show(tell(timeline, begunAt));
  experiments.accept(timeline);
  log.show(timeline, begunAt);
}

async function refreshList(): Promise<void> {
  if (auth.getState().status === 'signed-in') await list.refresh().catch(() => undefined);
}

function announce(text: string): void {
  if (text !== '') setText(byId('announcer'), text);
}

function draw(): void {
  life.draw();
  picture.draw(Date.now() + clockAheadMs);
  // The picture moves with time: for those who want no motion, once a second.
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) setTimeout(draw, 1000);
  else requestAnimationFrame(draw);
}
