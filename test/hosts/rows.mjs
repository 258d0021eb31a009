// Every row of the host matrix. A row is its name and its steps; a step fails by throwing.
import { rejects } from 'node:assert';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleByEsbuild, bundleByWebpack } from './bundles.mjs';
import { runsCommands } from './command.mjs';
import { firstMinute } from './first-minute.mjs';
import { Host } from './host.mjs';
import { holdsOneCopy, injectsInto } from './one-copy.mjs';
import { KINDS } from './workshop.mjs';

const NODE_VERSIONS = ['20.19.0', '22', '24', '26'];

const projectRows = Object.keys(KINDS).map((name) => ({
  name,
  steps: {
    build: (workshop) => workshop.host(name),
    boot: async (workshop) => (await workshop.host(name)).boot(),
    'unit spec': async (workshop) => (await workshop.host(name)).test(),
    'e2e spec': async (workshop) => (await workshop.host(name)).testEndToEnd(),
  },
}));

const runtimes = [
  ...NODE_VERSIONS.map((version) => ({
    name: `node-${version}`,
    command: async (workshop) => join(await workshop.node(version), 'node'),
  })),
  { name: 'bun', command: (workshop) => workshop.bun() },
];

const runtimeRows = runtimes.map(({ name, command }) => {
  const on = (kind, act) => async (workshop) => act(await workshop.host(kind), await command(workshop));
  return {
    name,
    steps: {
      'boot nest-11': on('nest-11', (host, node) => host.boot(node)),
      'boot nest-12': on('nest-12', (host, node) => host.boot(node)),
      'one copy in nest-11': on('nest-11', holdsOneCopy),
      'one copy in nest-12': on('nest-12', holdsOneCopy),
      'injects into an ES module that a CommonJS host imports': on('nest-11', injectsInto),
    },
  };
});

const bundlers = { esbuild: bundleByEsbuild, webpack: bundleByWebpack };

const bundleRows = Object.entries(bundlers).map(([name, bundle]) => ({
  name,
  steps: {
    bundle: async (workshop) => bundle(workshop, await workshop.host('nest-11')),
    boot: async (workshop) => (await workshop.host('nest-11')).boot('node', [`${name}/main.cjs`]),
  },
}));

const pnpmRow = {
  name: 'pnpm',
  steps: {
    'build and boot': async (workshop) => {
      const bin = await workshop.tool('pnpm@10', '.bin');
      const kind = { ...KINDS['nest-11'], packageManager: 'pnpm' };
      const host = new Host(join(workshop.root, 'pnpm'), kind, workshop.tarballs, bin);
      await host.make();
      await host.build();
      await host.boot();
    },
  },
};

const workspaceRow = {
  name: 'npm-workspace',
  steps: {
    'build and boot': async (workshop) => {
      const root = join(workshop.root, 'npm-workspace');
      await mkdir(root);
      await writeFile(
        join(root, 'package.json'),
        '{ "name": "workspace", "private": true, "workspaces": ["apps/*"] }',
      );
      const host = new Host(join(root, 'apps/api'), KINDS['nest-12'], workshop.tarballs);
      await host.make();
      await host.build();
      await host.boot();
    },
  },
};

const mongooseRow = {
  name: 'two-mongooses',
  steps: {
    'one sentence names the two copies': async (workshop) => {
      const host = await workshop.host('nest-11');
      const nested = join(host.folder, 'node_modules/nestjs-silent-auth/node_modules/mongoose');
      await cp(join(host.folder, 'node_modules/mongoose'), nested, { recursive: true });
      await rejects(host.boot(), /Two copies of mongoose are installed: .* mongoose \d.* mongoose \d/);
      await rm(nested, { recursive: true });
    },
  },
};

const firstMinuteRow = {
  name: 'first-minute',
  steps: { 'first guarded 200 in under two minutes': (workshop) => firstMinute(workshop.root) },
};

const commandRow = {
  name: 'command',
  steps: { 'npx silent-auth in an empty folder': runsCommands },
};

export const ROWS = [
  firstMinuteRow,
  commandRow,
  ...projectRows,
  ...runtimeRows,
  ...bundleRows,
  pnpmRow,
  workspaceRow,
  mongooseRow,
];
