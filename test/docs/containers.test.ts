import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { readConfig } from '../../apps/service/src/config/config.js';
import { VARIABLES } from '../../apps/service/src/config/environment.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const read = (path: string) => readFile(join(ROOT, path), 'utf8');

const compose = await read('docker-compose.yml');
const dockerfile = await read('Dockerfile');
const caddyfile = await read('docker/Caddyfile');
const example = await read('.env.example');
const workflow = await read('.github/workflows/ci.yml');
const manifest = JSON.parse(await read('package.json'));
const { services, volumes, networks, secrets } = parse(compose);

/** Lines `NAME=value`, as docker compose reads them. */
const readEnv = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]));

/** `${NAME}`, `${NAME:-default}` and `${NAME:?message}`. */
const INTERPOLATION = /\$\{([A-Z_]+)(?::([-?])([^}]*))?\}/g;
const interpolate = (text: string, env: Record<string, string>): string =>
  text.replaceAll(INTERPOLATION, (_, name: string, kind: string | undefined, rest: string) => {
    if (env[name]) return env[name];
    if (kind === '?') throw new Error(`${name} is required`);
    return kind === '-' ? rest : '';
  });

/** What the one command of the documentation creates for an operator. */
interface Made {
  readonly env: Record<string, string>;
  /** By their names in `secrets/`, without the line end. */
  readonly secrets: Record<string, string>;
  readonly folder: string;
}

const makeEnv = (folder: string) =>
  run(process.execPath, [join(ROOT, 'docker/make-env.mjs')], { cwd: folder });

async function withMadeEnv<T>(use: (made: Made) => T | Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'silent-auth-env-'));
  try {
    await copyFile(join(ROOT, '.env.example'), join(folder, '.env.example'));
    await makeEnv(folder);
    const names = readdirSync(join(folder, 'secrets'));
    const secrets = names.map((name) => [name, readFileSync(join(folder, 'secrets', name), 'utf8').trim()]);
    const env = readEnv(await readFile(join(folder, '.env'), 'utf8'));
    return await use({ env, secrets: Object.fromEntries(secrets), folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The packages that the modules in a folder import at run time, so not types. */
async function importedPackages(folder: string): Promise<string[]> {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('browser'))
    .map((file) => read(join(folder, file)));
  const specifiers = (await Promise.all(files)).flatMap((source) =>
    [
      ...source.matchAll(/^(?:import|export)(?! type)[^;]*?from '([^'.][^']*)'|import\('([^'.][^']*)'\)/gm),
    ].map(([, fixed, dynamic]) => fixed ?? dynamic ?? ''),
  );
  const names = specifiers
    .filter((each) => !each.startsWith('node:'))
    .map((each) => /^(@[^/]+\/)?[^/]+/.exec(each)?.[0] ?? each);
  return [...new Set(names)].sort();
}

describe('docker-compose.yml', () => {
  it('sets no variable of the service that the service does not know', () => {
    const known = VARIABLES.flatMap(({ name, isSecret }) => (isSecret ? [name, `${name}_FILE`] : [name]));
    expect(known).toEqual(expect.arrayContaining(Object.keys(services.auth.environment)));
  });

  it('reads from .env what .env.example contains, and nothing else', () => {
    const asked = new Set([...compose.matchAll(INTERPOLATION)].map(([, name]) => name));
    expect([...asked].sort()).toEqual(Object.keys(readEnv(example)).sort());
    expect(caddyfile).toContain('{$PUBLIC_URL}');
    expect(Object.keys(services.proxy.environment)).toEqual(['PUBLIC_URL']);
  });

  it('refuses to start without .env, and contains no secret', () => {
    expect(() => interpolate(compose, {})).toThrow('is required');
    for (const [name, value] of Object.entries(readEnv(example))) {
      if (/PASSWORD|KEY|TOKEN|URL_FILE/.test(name)) expect([name, value]).toEqual([name, '']);
    }
  });

  it('gives the service a configuration that production accepts', () =>
    withMadeEnv(({ env, secrets: made, folder }) => {
      const configOf = (changes: Record<string, string>) => {
        const { services: started } = parse(interpolate(compose, { ...env, ...changes }));
        const given = Object.entries<string | null>(started.auth.environment).map(([name, value]) => [
          name,
          (value ?? '').replace('/run/secrets', join(folder, 'secrets')),
        ]);
        return readConfig({ NODE_ENV: 'production', ...Object.fromEntries(given) });
      };
      const config = configOf({});
      expect(config).toMatchObject({
        isProduction: true,
        host: '0.0.0.0',
        port: 3000,
        trustProxy: 1,
        admin: null,
        warnings: [],
        redis: null,
        auth: {
          issuer: 'https://localhost',
          keys: { access: [made['jwt-access-keys']], refresh: [made['jwt-refresh-keys']] },
        },
      });
      expect(config.database.uri).toMatch(
        /^mongodb:\/\/silent-auth:[0-9a-f]{96}@mongo:27017\/silent-auth\?replicaSet=rs0$/,
      );
      const changes = { REVOCATION_STORE: 'redis', REDIS_URL_FILE: '/run/secrets/redis-url' };
      expect(configOf(changes)).toMatchObject({ redis: { url: made['redis-url'] }, warnings: [] });
    }));

  it('gives each container the secrets that it reads, and no others', () => {
    const readBy = (name: string, ...texts: string[]) =>
      [JSON.stringify(services[name]), ...texts]
        .flatMap((text) => [...text.matchAll(/\/run\/secrets\/([\w.-]+)|secret\('([\w.-]+)'\)/g)])
        .map(([, path, argument]) => path ?? argument);
    const sorted = (names: unknown[] = []) => [...new Set(names)].sort();
    const start = readFileSync(join(ROOT, 'docker/mongo-entrypoint.sh'), 'utf8');
    const init = readFileSync(join(ROOT, 'docker/mongo-init.js'), 'utf8');
    expect(sorted(services.mongo.secrets)).toEqual(sorted(readBy('mongo', start)));
    expect(sorted(services['mongo-init'].secrets)).toEqual(sorted(readBy('mongo-init', init)));
    expect(services.redis.secrets).toEqual(readBy('redis'));
    // The operator sets these in .env.
    expect(sorted(services.auth.secrets)).toEqual(sorted([...readBy('auth'), 'redis-url']));
    for (const name of ['proxy', 'mail']) expect(services[name].secrets).toBeUndefined();
  });

  it('restricts network access to what each container needs', () => {
    const inNetwork = (network: string) =>
      Object.entries<{ networks: string[] }>(services)
        .filter(([, service]) => service.networks.includes(network))
        .map(([name]) => name);
    const members = Object.keys(networks).map((network) => [network, inNetwork(network)]);
    expect(Object.fromEntries(members)).toEqual({
      outside: ['proxy'],
      'mail-page': ['mail'],
      service: ['proxy', 'auth'],
      database: ['auth', 'mongo', 'mongo-init'],
      revocations: ['auth', 'redis'],
      mail: ['auth', 'mail'],
    });
    const open = Object.keys(networks).filter((network) => networks[network]?.internal !== true);
    expect(open).toEqual(['outside', 'mail-page']);
  });

  it('mounts files that exist and volumes that are declared', () => {
    const mounts: string[] = Object.values(services).flatMap(
      (service) => (service as { volumes?: string[] }).volumes ?? [],
    );
    const sources = mounts.map((mount) => mount.split(':')[0] ?? '');
    const missing = sources.filter((source) =>
      source.startsWith('./') ? !existsSync(join(ROOT, source)) : !(source in volumes),
    );
    expect(missing).toEqual([]);
  });

  it('runs two instances that only the proxy can reach, and nobody outside reaches the database', () => {
    expect(services.auth.deploy.replicas).toBe(2);
    const open = Object.entries<{ ports?: string[]; profiles?: string[] }>(services)
      .filter(([, { ports, profiles }]) => ports !== undefined && profiles === undefined)
      .map(([name]) => name);
    expect(open).toEqual(['proxy']);
    expect(services.redis.profiles).toEqual(['redis']);
    expect(services.mail.profiles).toEqual(['mail']);
  });
});

describe('docker/make-env.mjs', () => {
  it('creates every secret that the containers receive, long enough for every use', () =>
    withMadeEnv(({ secrets: made }) => {
      const asked = Object.values<{ file: string }>(secrets).map(({ file }) =>
        file.replace('./secrets/', ''),
      );
      expect(Object.keys(made).sort()).toEqual(asked.sort());
      const random = Object.values(made).map((text) => /[0-9a-f]{96}/.exec(text)?.[0]);
      expect(random).not.toContain(undefined);
      // Redis and its clients share one.
      expect(new Set(random).size).toBe(random.length - 1);
      expect(made['redis-url']).toContain(made['redis.conf']?.replace('requirepass ', ''));
    }));

  it("keeps the secrets from other users of the machine, but readable for the containers' users", () =>
    withMadeEnv(({ folder }) => {
      const mode = (name: string) => statSync(join(folder, name)).mode & 0o777;
      expect([mode('.env'), mode('secrets'), mode('secrets/mongodb-uri')]).toEqual([0o600, 0o700, 0o444]);
    }));

  it('does not change existing files', async () => {
    await withMadeEnv(async ({ folder, secrets: made }) => {
      await expect(makeEnv(folder)).rejects.toMatchObject({
        code: 1,
        stderr: '.env exists and is kept.\n',
      });
      await rm(join(folder, '.env'));
      await expect(makeEnv(folder)).rejects.toMatchObject({
        code: 1,
        stderr: 'secrets exists and is kept.\n',
      });
      expect(readFileSync(join(folder, 'secrets/mongodb-uri'), 'utf8').trim()).toBe(made['mongodb-uri']);
    });
  });

  it('writes nothing that git would track', async () => {
    expect(await read('.gitignore')).toMatch(/^\.env\n\/secrets\/$/m);
  });
});

describe('the network that docs/metrics.md names', () => {
  it('exists, and the service is in it', async () => {
    const [, name = ''] =
      /let Prometheus join the network `([a-z-]+)`/.exec(await read('docs/metrics.md')) ?? [];
    expect(Object.keys(networks)).toContain(name);
    expect(services.auth.networks).toContain(name);
  });
});

describe('images', () => {
  const composed = Object.values<{ build?: string; image: string }>(services)
    .filter(({ build }) => build === undefined)
    .map(({ image }) => image);
  const bases = [...dockerfile.matchAll(/^FROM (\S+:\S+)/gm)].map(([, image]) => image);
  const inWorkflow = [...workflow.matchAll(/\bmongo:\S+/g)].map(([image]) => image);

  it.each([...composed, ...bases, ...inWorkflow])('is named by version and digest: %s', (image) => {
    expect(image).toMatch(/^[a-z/]+:v?\d+\.\d+\.\d+\S*@sha256:[0-9a-f]{64}$/);
  });

  it('are the same in the composition and in the workflow', () => {
    expect(bases).toHaveLength(1);
    expect(inWorkflow.length).toBeGreaterThan(0);
    expect(composed).toEqual(expect.arrayContaining(inWorkflow));
  });
});

describe('Dockerfile', () => {
  it('copies only what .dockerignore allows', async () => {
    const allowed = (await read('.dockerignore')).match(/^!.*$/gm)?.map((line) => line.slice(1)) ?? [];
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, files]) => files?.split(' ') ?? [],
    );
    expect([...copied].sort()).toEqual([...allowed].sort());
    expect(copied.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it('runs the service as a user other than root, in production', () => {
    const final = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
    expect(final).toMatch(/^ENV NODE_ENV=production$/m);
    expect(final).toMatch(/^USER node$/m);
    expect(final).toMatch(/^CMD \["node", "apps\/service\/dist\/main.js"\]$/m);
  });

  it.each([
    ['answers', 200, 0],
    ['answers with an error', 503, 1],
    ['is gone', null, 1],
  ])('is healthy only while the service answers: %s', async (_, status, exitCode) => {
    const [, json = ''] = /^HEALTHCHECK[^[]*CMD (\[.*\])$/m.exec(dockerfile) ?? [];
    const [command, ...parameters] = JSON.parse(json);
    expect(command).toBe('node');
    const paths: string[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url ?? '');
      response.writeHead(status ?? 200).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const close = () => new Promise((resolve) => server.close(resolve));
    if (status === null) await close();
    const code = await run(process.execPath, parameters, { env: { PORT: String(port) } }).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
    if (status !== null) await close();
    expect([code, paths]).toEqual([exitCode, status === null ? [] : ['/health/live']]);
  });
});

describe('what `npm prune --omit=dev` leaves in the image', () => {
  it('has every package that the service imports, except those for development only', async () => {
    const service = JSON.parse(await read('apps/service/package.json'));
    const imported = await importedPackages('apps/service/src');
    expect(imported).toEqual(expect.arrayContaining(['@nestjs/terminus', 'mongoose', 'pino']));
    const missing = imported.filter((name) => service.dependencies[name] === undefined);
    expect(missing).toEqual([
      'mongodb-memory-server-core',
      'nestjs-silent-auth-embedded-mongo',
      'pino-pretty',
    ]);
    expect(Object.keys(service.devDependencies)).toEqual(expect.arrayContaining(missing));
  });

  it('has every package that the library imports: its own, and those that the service provides as a host', async () => {
    const { dependencies: brought } = JSON.parse(await read('apps/service/package.json'));
    const imported = await importedPackages('src');
    expect(imported).toEqual(expect.arrayContaining(['@nestjs/core', 'bcrypt', 'mongoose']));
    // The service has no sockets or microservices, and in production no embedded database.
    const left = ['@nestjs/microservices', '@nestjs/websockets', 'nestjs-silent-auth-embedded-mongo'];
    const isMissing = (name: string) => brought[name] === undefined && !left.includes(name);
    const notOwn = imported.filter((name) => manifest.dependencies[name] === undefined);
    expect(notOwn.filter(isMissing)).toEqual([]);
    expect(Object.keys(manifest.peerDependencies).filter(isMissing)).toEqual([]);
    for (const name of left) expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true });
  });
});

describe('.github/workflows/ci.yml', () => {
  const { jobs } = parse(workflow);
  const commands: string[] = Object.values<{ steps: { run?: string }[] }>(jobs).flatMap(({ steps }) =>
    steps.flatMap((step) => step.run ?? []),
  );

  it('checks every supported version of Node, a real MongoDB, and the containers', () => {
    expect(jobs.check.strategy.matrix.node).toEqual([20, 22, 24]);
    expect(jobs.mongo.env.TEST_MONGODB_URI).toMatch(/^mongodb:\/\/.*replicaSet=rs0/);
    expect(commands).toEqual(expect.arrayContaining(['.ci/run', 'npm test', 'node docker/make-env.mjs']));
  });
});
