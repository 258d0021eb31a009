import { type ChildProcess, spawn } from 'node:child_process';

const READY_WITHIN_MS = 60_000;

/** Node programs that a test starts and stops together. Their environment is `PATH` and what is passed. */
export class NodeProcesses {
  private readonly children: ChildProcess[] = [];

  start(cwd: string, command: readonly string[], environment: NodeJS.ProcessEnv): void {
    const child = spawn(process.execPath, command, {
      cwd,
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.children.push(child);
  }

  async stop(): Promise<void> {
    await Promise.all(this.children.splice(0).map(ended));
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** Resolves when a server answers at this URL, with any status. */
export async function answering(url: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      return void (await fetch(url));
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
