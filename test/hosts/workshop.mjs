import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { END_TO_END_SPECS, Host } from './host.mjs';
import { run } from './processes.mjs';

/** The version from which Jest can `require` the ES modules that Nest 12 consists of. */
const NODE_FOR_JEST_ON_NEST_12 = '24';

export const KINDS = {
  'nest-11': { nest: 11, type: 'cjs' },
  'nest-11-classic': { nest: 11, type: 'cjs', mongoose: 8 },
  'nest-12': { nest: 12, type: 'esm' },
  'nest-12-fastify': { nest: 12, type: 'esm', mongoose: 8 },
  'nest-12-cjs': { nest: 12, type: 'cjs' },
};

/** The tsconfig of a project made before the schematics wrote `nodenext`. */
const classic = (host) =>
  host.rewrite('tsconfig.json', (text) =>
    text
      .replace('"module": "nodenext"', '"module": "commonjs"')
      .replace(/\n.*"moduleResolution".*\n.*"resolvePackageJsonExports".*/, ''),
  );

/** As the Nest documentation does it. */
async function useFastify(host) {
  await host.run('npm', 'install', '@nestjs/platform-fastify@12');
  await host.rewrite('src/main.ts', (text) =>
    text
      .replace(
        "from '@nestjs/core';",
        "from '@nestjs/core';\nimport { FastifyAdapter } from '@nestjs/platform-fastify';",
      )
      .replace('create(AppModule)', 'create(AppModule, new FastifyAdapter())'),
  );
  for (const name of END_TO_END_SPECS)
    await host.rewrite(`test/${name}`, (text) =>
      text
        .replace(
          "from 'supertest/types.js';",
          "from 'supertest/types.js';\nimport { FastifyAdapter } from '@nestjs/platform-fastify';",
        )
        .replace('createNestApplication()', 'createNestApplication(new FastifyAdapter())')
        .replace(
          'await app.init();',
          'await app.init();\n    await app.getHttpAdapter().getInstance().ready();',
        ),
    );
}

/** Makes hosts and installs tools when a row asks for them; rows share them. */
export class Workshop {
  #hosts = new Map();
  #tools = new Map();

  /** @param root folder for everything that is made */
  constructor(root, tarballs) {
    this.root = root;
    this.tarballs = tarballs;
  }

  /** A built host of this kind; rows share it. */
  host(name) {
    if (!this.#hosts.has(name)) this.#hosts.set(name, this.#makeHost(name));
    return this.#hosts.get(name);
  }

  async #makeHost(name) {
    const node = name === 'nest-12-cjs' ? await this.node(NODE_FOR_JEST_ON_NEST_12) : undefined;
    const host = new Host(join(this.root, name), KINDS[name], this.tarballs, node);
    await host.make({ edit: name === 'nest-11-classic' ? classic : undefined });
    if (name === 'nest-12-fastify') await useFastify(host);
    await host.build();
    return host;
  }

  /** The `bin` folder of a package of tools that is not a dependency of this repository. */
  tool(specification, bin) {
    if (!this.#tools.has(specification)) this.#tools.set(specification, this.#install(specification, bin));
    return this.#tools.get(specification);
  }

  async #install(specification, bin) {
    const folder = join(this.root, 'tools', specification.replaceAll(/\W+/g, '-'));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), '{}');
    await run(folder, 'npm', ['install', ...specification.split(' ')]);
    return join(folder, 'node_modules', bin);
  }

  node(version) {
    const name = `node-${process.platform}-${process.arch}`;
    return this.tool(`${name}@${version}`, `${name}/bin`);
  }

  async bun() {
    const name = `@oven/bun-${process.platform}-${process.arch}`;
    return join(await this.tool(name, `${name}/bin`), 'bun');
  }
}
