import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = join(ROOT, 'node_modules/.bin/tsc');
const NPM_WITHIN_MS = 120_000;
const START_WITHIN_MS = 30_000;

const run = promisify(execFile);

export const hostsRoot = (): Promise<string> => mkdtemp(join(tmpdir(), 'silent-auth-package-'));

/** Runs npm with the registry and the cache of the user who runs the tests. */
export async function npm(folder: string, ...parameters: string[]): Promise<string> {
  try {
    const { stdout } = await run('npm', [...parameters, '--no-audit', '--no-fund', '--fetch-retries=1'], {
      cwd: folder,
      timeout: NPM_WITHIN_MS,
    });
    return stdout;
  } catch (error) {
    const { stdout, stderr, killed } = error as { stdout: string; stderr: string; killed: boolean };
    const why = killed ? `was not done within ${NPM_WITHIN_MS / 1000} s` : 'failed';
    throw new Error(`npm ${parameters.join(' ')} ${why}:\n${stdout}${stderr}`);
  }
}

/** Without a registry npm install reports conflicting versions, after minutes; this reports the cause at once. */
export async function expectRegistry(packageName: string): Promise<void> {
  await npm(ROOT, 'view', packageName, 'version', '--prefer-offline', '--fetch-retries=0').catch(
    (cause: unknown) => {
      throw new Error(
        'The package registry does not answer. This test installs the packed library from it, as the README tells a user to.',
        { cause },
      );
    },
  );
}

/** The tarball as `npm publish` would send it. */
export interface Tarball {
  readonly path: string;
  readonly files: readonly string[];
  readonly packedBytes: number;
  readonly unpackedBytes: number;
}

/** `dist` as built: packing runs no script, because a build would remove `dist` while other tests use it. */
export async function pack(packageFolder: string, into: string): Promise<Tarball> {
  const [made] = JSON.parse(
    await npm(join(ROOT, packageFolder), 'pack', '--json', '--ignore-scripts', '--pack-destination', into),
  );
  return {
    path: join(into, made.filename),
    files: made.files.map((file: { path: string }) => file.path),
    packedBytes: made.size,
    unpackedBytes: made.unpackedSize,
  };
}

/** A newcomer's Nest application, in its own folder outside the repository. */
export class FreshHost {
  origin = '';
  private output = '';
  private child: ChildProcess | undefined;

  private constructor(readonly folder: string) {}

  /** `nest` is what the application already has; `command` is what the README says to install. */
  static async install(
    folder: string,
    type: 'module' | 'commonjs',
    nest: Record<string, string>,
    command: readonly string[],
  ): Promise<FreshHost> {
    await mkdir(join(folder, 'src'), { recursive: true });
    const manifest = { name: 'host', version: '1.0.0', private: true, type, dependencies: nest };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    await npm(folder, 'install', '--prefer-offline', ...command);
    return new FreshHost(folder);
  }

  /** The places where these packages are installed, from the host's folder on; fails if a peer does not fit. */
  async copiesOf(...names: string[]): Promise<string[]> {
    const listed = await npm(this.folder, 'ls', '--all', '--parseable', ...names);
    const marker = '/node_modules/';
    const places = listed
      .split('\n')
      .map((line) => line.trim().replaceAll('\\', '/'))
      .filter((line) => line.includes(marker))
      .map((line) => line.slice(line.indexOf(marker) + marker.length));
    return [...new Set(places)].filter((place) => names.some((name) => place.endsWith(name))).sort();
  }

  /** Compiles `app`, and an entry that starts it, against the installed declarations, which are checked too. */
  async compile(app: string): Promise<string> {
    await writeFile(join(this.folder, 'src/app.ts'), app);
    await writeFile(
      join(this.folder, 'src/main.ts'),
      `import { bootstrap } from './app.js';\n\nvoid bootstrap().then(async (app) => console.log(\`listening at \${await app.getUrl()}\`));\n`,
    );
    const compilerOptions = {
      target: 'ES2023',
      lib: ['ES2023'],
      types: ['node'],
      module: 'nodenext',
      strict: true,
      skipLibCheck: false,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      rootDir: 'src',
      outDir: 'dist',
    };
    await writeFile(
      join(this.folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, include: ['src'] }),
    );
    const { stdout } = await run(TSC, ['-p', this.folder]).catch((error: { stdout: string }) => error);
    return stdout;
  }

  /** The output of a short script that finds packages as the host does. */
  async evaluate(script: string, type: 'module' | 'commonjs'): Promise<string> {
    const file = join(this.folder, type === 'module' ? 'script.mjs' : 'script.cjs');
    await writeFile(file, script);
    const { stdout } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', file]);
    return stdout;
  }

  async start(environment: Record<string, string>): Promise<void> {
    const child = spawn(process.execPath, ['dist/main.js'], {
      cwd: this.folder,
      env: { PATH: process.env.PATH, PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    this.origin = await new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`the host ${why}:\n${this.output}`));
      const timer = setTimeout(() => fail('did not get ready'), START_WITHIN_MS);
      const read = (chunk: Buffer) => {
        this.output += chunk.toString();
        const url = /^listening at (\S+)$/m.exec(this.output)?.[1];
        if (url === undefined) return;
        clearTimeout(timer);
        resolve(url.replace('[::1]', 'localhost'));
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('error', reject);
      child.once('exit', () => {
        clearTimeout(timer);
        fail('ended');
      });
    });
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
