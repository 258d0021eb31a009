import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const SOURCE = join(ROOT, 'packages/embedded-mongo/src');

/** The server as it is in src/, compiled into a folder from which it finds its packages. */
export class CompiledServer {
  private constructor(private readonly folder: string) {}

  static compile(): CompiledServer {
    const cache = join(ROOT, 'node_modules/.cache');
    mkdirSync(cache, { recursive: true });
    const folder = mkdtempSync(join(cache, 'embedded-mongo-'));
    for (const file of readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      const target = join(folder, file.replace(/\.ts$/, '.js'));
      mkdirSync(join(target, '..'), { recursive: true });
      const { code } = transformSync(readFileSync(join(SOURCE, file), 'utf8'), {
        module: { type: 'es6' },
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      });
      writeFileSync(target, code);
    }
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    return new CompiledServer(folder);
  }

  /** Starts a server in its own process, which can be killed; resolves with its port. */
  async start(journalDir: string): Promise<{ process: ChildProcess; port: number }> {
    const script = `
      const { startEmbeddedMongo } = await import(${JSON.stringify(join(this.folder, 'index.js'))});
      const { port } = await startEmbeddedMongo({ journalDir: ${JSON.stringify(journalDir)} });
      console.log(port);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()));
    const started = once(child.stdout, 'data') as Promise<[Buffer]>;
    const ended = once(child, 'exit').then(() => Promise.reject(new Error(errors)));
    ended.catch(() => undefined);
    const [line] = await Promise.race([started, ended]);
    return { process: child, port: Number(line.toString()) };
  }

  /** Runs the text as a module with `startEmbeddedMongo` in scope; resolves when the process has ended by itself. */
  async run(text: string): Promise<number | null> {
    const script = `import { startEmbeddedMongo } from ${JSON.stringify(join(this.folder, 'index.js'))};\n${text}`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
