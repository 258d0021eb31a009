import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { delimiter } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const COMMAND_TIMEOUT_MS = 600_000;
const START_TIMEOUT_MS = 60_000;

/** The environment of a shell: what `npm run` and a debugger add would change what a host's own npm and Node do. */
function hostEnvironment(extra = {}) {
  const inherited = Object.entries(process.env).filter(
    ([key]) => !/^(npm_(package|lifecycle|config_local_prefix|execpath)|INIT_CWD$|NODE_)/.test(key),
  );
  return {
    ...Object.fromEntries(inherited),
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    CI: 'true',
    NO_COLOR: '1',
    ...extra,
  };
}

/** Starts a command in a process group of its own, so that nothing of it survives. */
function start(folder, command, parameters, { node, env } = {}) {
  const environment = hostEnvironment(env);
  // `node` comes first in PATH: scripts and `#!/usr/bin/env node` use that runtime as well.
  if (node) environment.PATH = `${node}${delimiter}${environment.PATH}`;
  const child = spawn(command, parameters, {
    cwd: folder,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { all: '', stdout: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
    output.all += chunk;
  });
  child.stderr.on('data', (chunk) => (output.all += chunk));
  return { child, output };
}

function killGroup({ pid }) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Runs a command to its end and resolves with its stdout; rejects with all of its output if it fails. */
export async function run(folder, command, parameters, options) {
  const { child, output } = start(folder, command, parameters, options);
  const timer = setTimeout(() => killGroup(child), COMMAND_TIMEOUT_MS);
  const [code, signal] = await once(child, 'close').finally(() => clearTimeout(timer));
  if (code === 0) return output.stdout;
  const ending = signal ? `did not end within ${COMMAND_TIMEOUT_MS / 1000} s` : `ended with ${code}`;
  throw new Error(`${command} ${parameters.join(' ')}: ${ending}\n${output.all}`);
}

/** Starts a server and calls `use` with its origin; the server is gone afterwards. */
export async function withServer(folder, command, parameters, use, options = {}) {
  const port = await freePort();
  const env = { ...options.env, PORT: String(port) };
  const { child, output } = start(folder, command, parameters, { ...options, env });
  const failed = new AbortController();
  child.once('error', () => failed.abort());
  child.once('exit', () => failed.abort());
  const gone = once(child, 'close').catch(() => undefined);
  try {
    const origin = `http://127.0.0.1:${port}`;
    await answers(origin, failed.signal);
    return await use(origin);
  } catch (error) {
    throw new Error(`${command} ${parameters.join(' ')}: ${error.message}\n${output.all}`, { cause: error });
  } finally {
    killGroup(child);
    await gone;
  }
}

async function answers(origin, ended) {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (ended.aborted) throw new Error('ended before it listened');
    if (await fetch(origin).catch(() => null)) return;
    await pause(100);
  }
  throw new Error(`did not listen within ${START_TIMEOUT_MS / 1000} s`);
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
