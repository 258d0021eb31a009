import { type AuthState, createAuthClient, type SignOutReason } from '../../../client/index.js';
import type { Timeline } from './demo-answers.js';
import { DemoServer } from './demo-server.js';
import { byId, html, setText } from './dom.js';
import { Experiments } from './experiments.js';
import { Picture } from './picture.js';
import { legend } from './picture-marks.js';
import { SessionList } from './session-list.js';
import { wireSignIn } from './sign-in.js';
import { sentence, tell } from './story.js';
import { claimTabName } from './tab-name.js';
import { TokenLife } from './token-life.js';

const LOOK_EVERY_MS = 1000;
const LIST_EVERY_MS = 8000;
/** Told to those who listen; the usual refreshes are not, or nobody could listen to anything else. */
const NEWS = new Set(['replayed', 'recovered', 'reuse_detected', 'stolen', 'response_lost', 'revoked']);

const tab = await claimTabName();
const auth = createAuthClient({
  baseUrl: '/auth',
  onSignedOut: (reason) => showEnd(reason),
  // A label for the picture: which tab refreshed.
  fetch: (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('x-demo-caller', tab);
    return fetch(input, { ...init, headers });
  },
});
const server = new DemoServer(auth);
const life = new TokenLife();
const picture = new Picture(byId('canvas'));
const list = new SessionList(auth, announce);
/** A session that ended can ask no more: the tab that saw its end shows the others. */
const tabs = new BroadcastChannel('silent-auth-demo');
tabs.onmessage = ({ data }) => show(data as Timeline);

let sessionId: string | null = null;
let begunAt = 0;
let clockAheadMs = 0;
let toldUntil = 0;

const experiments = new Experiments({ auth, server, look, show: showAndTell, announce });
byId('legend').append(...legend());
setText(byId('tab'), `This is ${tab}`);
byId('tab').hidden = false;
wireSignIn(auth);
byId('logout').addEventListener('click', () => void auth.logout().catch(() => undefined));
auth.subscribe(accept);
await auth.restore().catch(() => undefined);
accept(auth.getState());
setInterval(() => {
  if (auth.getState().status === 'signed-in') void look().catch(() => undefined);
}, LOOK_EVERY_MS);
setInterval(() => void refreshList(), LIST_EVERY_MS);
requestAnimationFrame(draw);

function accept(state: AuthState): void {
  const isSignedIn = state.status === 'signed-in';
  byId('welcome').hidden = isSignedIn;
  for (const id of ['token', 'break', 'sessions']) byId(id).hidden = !isSignedIn;
  if (!isSignedIn) {
    // What was the last session's story stays to be read.
    byId('session').hidden = sessionId === null;
    return;
  }
  byId('session').hidden = false;
  if (state.session.id !== sessionId) begin(state.session.id);
  life.accept(state);
  void look().catch(() => undefined);
}

function begin(id: string): void {
  sessionId = id;
  byId('ended').hidden = true;
  byId('log').replaceChildren();
  list.clear();
  experiments.reset(true);
  void refreshList();
  announce('You are signed in.');
}

async function look(): Promise<Timeline> {
  const timeline = await server.timeline();
  show(timeline);
  return timeline;
}

function showAndTell(timeline: Timeline): void {
  show(timeline);
  if (timeline.session === null) tabs.postMessage(timeline);
}

function show(timeline: Timeline): void {
  if (timeline.session) {
    // An answer of the session before, which was on its way.
    if (timeline.session.id !== sessionId) return;
    begunAt = timeline.session.createdAt;
  }
  clockAheadMs = timeline.now - Date.now();
  picture.show(tell(timeline, begunAt));
  experiments.accept(timeline);
  showLog(timeline);
}

function showLog({ events }: Timeline): void {
  const log = byId('log');
  if (log.childElementCount === 0) log.prepend(logLine('begun', begunAt, 'The session began: generation 0.'));
  const news = events.filter(({ id }) => id > toldUntil);
  toldUntil = news.at(-1)?.id ?? toldUntil;
  for (const event of news) {
    const text = sentence(event);
    const { kind, caller, at } = event;
    if (text !== null) log.prepend(logLine(caller === 'thief' ? `${kind} thief` : kind, at, text));
  }
  announce(
    news
      .filter(({ kind }) => NEWS.has(kind))
      .map(sentence)
      .join(' '),
  );
}

function logLine(name: string, at: number, text: string): HTMLLIElement {
  const time = new Date(at);
  return html(
    'li',
    { class: name },
    html('time', { datetime: time.toISOString() }, time.toLocaleTimeString()),
    html('span', {}, text),
  );
}

async function refreshList(): Promise<void> {
  if (auth.getState().status === 'signed-in') await list.refresh().catch(() => undefined);
}

function showEnd(reason: SignOutReason): void {
  const wasTheft = byId('log').querySelector('.reuse_detected') !== null;
  const [title, text] = wasTheft
    ? [
        'A thief was caught, and this session ended',
        'A replaced refresh token came back after its grace period, and its successor had been used: so there are two who hold tokens of this session. The server cannot know which of them is you; it ended the session for both. You can log in again, the thief cannot.',
      ]
    : (ENDINGS[reason] ?? ENDINGS['SESSION_REVOKED'] ?? ['', '']);
  setText(byId('ended-title'), title);
  setText(byId('ended-text'), text);
  byId('ended').classList.toggle('danger', wasTheft);
  byId('ended').hidden = false;
  byId('pitch').hidden = true;
  setText(byId('sign-in-title'), 'Log in again');
  byId('ended').focus();
  experiments.reset(false);
}

const ENDINGS: Readonly<Record<string, readonly [string, string]>> = {
  LOGOUT: ['You are logged out', 'In every tab, and on the server: no token of this session works any more.'],
  REFRESH_TOKEN_EXPIRED: ['This session expired', 'It was not used for too long. Log in again to go on.'],
  SESSION_REVOKED: [
    'This session was ended',
    'From another device, or by an administrator. Log in again to go on.',
  ],
};

function announce(text: string): void {
  if (text !== '') setText(byId('announcer'), text);
}

function draw(): void {
  life.draw();
  picture.draw(Date.now() + clockAheadMs);
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (isStill) setTimeout(draw, 1000);
  else requestAnimationFrame(draw);
}
