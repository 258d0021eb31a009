import { type AuthState, createAuthClient } from 'nestjs-silent-auth-client';
import { CredentialsForm } from '../credentials-form.js';
import { byId, setText } from '../dom.js';
import { restoreIfBegun } from '../restore.js';
import { PeriodForm } from './period-form.js';
import { ReportFrame } from './report-frame.js';
import { fetchReport, type Format, type Period, save } from './report-source.js';
import { wordsOf } from './service.js';
import { UserPanel } from './user-panel.js';

const ROLE = 'admin';

const auth = createAuthClient({ baseUrl: '/auth', onSignedOut: sayEnd });
const form = new CredentialsForm((credentials) => auth.login({ ...credentials, appId: 'security-report' }));
const users = new UserPanel(auth);
const frame = new ReportFrame(byId('report'), (report) => users.offer(report));
const period = new PeriodForm({
  show: (chosen) => void show(chosen),
  download: (...args) => void download(...args),
});

/** The administrator whose report is shown. */
let reader: string | null = null;
let loading: AbortController | null = null;
/** Whether the page has been shown once. */
let isBegun = false;

byId('logout').addEventListener('click', () => void auth.logout().catch(() => undefined));
auth.subscribe(accept);
await restoreIfBegun(auth, '/report/session').catch(() =>
  form.show('The service cannot be reached. This page keeps trying.'),
);
accept(auth.getState());
isBegun = true;

function accept({ status, user }: AuthState): void {
  const isReader = user?.roles.includes(ROLE) === true;
  const hasChanged = byId('account').hidden !== (user === null);
  byId('welcome').hidden = user !== null;
  byId('account').hidden = user === null;
  byId('refused').hidden = user === null || isReader;
  byId('reading').hidden = !isReader;
  setText(byId('who'), user?.email ?? '');
  if (isBegun && hasChanged) keepFocus();
  if (status === 'signed-in') form.show('');
  if (!isReader) forget();
  else if (reader !== user.id) {
    forget();
    reader = user.id;
    users.readFor(user);
    void show(period.chosen);
  }
}

/** What had the focus may be gone: the keyboard goes on in what is shown now, not at the beginning of the page. */
function keepFocus(): void {
  const { activeElement } = document;
  if (activeElement === document.body || activeElement?.closest('[hidden]')) byId('main').focus();
}

/** Nothing of it stays for the next reader. */
function forget(): void {
  reader = null;
  loading?.abort();
  loading = null;
  byId('report').ariaBusy = 'false';
  frame.clear();
  users.readFor(null);
  say(null);
}

function sayEnd(reason: string): void {
  if (reason !== 'LOGOUT') form.show('Your session has ended. Sign in again.');
}

async function show(chosen: Period): Promise<void> {
  await load(chosen, 'html', (body) => {
    frame.show(body);
    return 'The report is shown.';
  });
}

async function download(chosen: Period, format: Format): Promise<void> {
  await load(chosen, format, (body) => {
    save(body, format, chosen);
    return 'The report is saved.';
  });
}

/** One at a time: what was asked for before is wanted no more. */
async function load(chosen: Period, format: Format, use: (body: string) => string): Promise<void> {
  loading?.abort();
  const current = new AbortController();
  loading = current;
  say(null);
  setText(byId('progress'), 'The report is on its way.');
  byId('report').ariaBusy = 'true';
  try {
    const body = await fetchReport(auth, chosen, format, current.signal);
    if (loading === current) setText(byId('progress'), use(body));
  } catch (reason) {
    if (loading === current) say(reason);
  } finally {
    if (loading === current) byId('report').ariaBusy = 'false';
  }
}

function say(reason: unknown): void {
  const problem = byId('problem');
  problem.hidden = reason === null;
  setText(byId('progress'), '');
  setText(problem, reason === null ? '' : wordsOf(reason));
}
