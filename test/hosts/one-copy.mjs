import { strictEqual } from 'node:assert';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './processes.mjs';

/** `require` and `import` give the same classes in one process. */
export async function holdsOneCopy(host, command) {
  const script = `const required = require('nestjs-silent-auth');
    import('nestjs-silent-auth').then((imported) => {
      const names = Object.keys(required).filter((name) => typeof required[name] === 'function');
      const doubled = names.filter((name) => required[name] !== imported[name]);
      console.log(names.includes('AuthModule') ? 'twice: ' + doubled.join() : 'AuthModule is not exported');
    });`;
  await writeFile(join(host.folder, 'one-copy.cjs'), script);
  strictEqual((await run(host.folder, command, ['one-copy.cjs'])).trim(), 'twice:');
}

/** A dependency of the host that is an ES module, injects a service of the library and uses its guard. */
const ORDERS_PLUGIN = `import { Controller, Get, Inject, Module, UseGuards } from '@nestjs/common';
import { AuthService, JwtAuthGuard } from 'nestjs-silent-auth';

export class PluginController {
  constructor(auth) {
    this.auth = auth;
  }
  read() {
    return { injected: this.auth instanceof AuthService };
  }
}
Inject(AuthService)(PluginController, undefined, 0);
Controller('plugin')(PluginController);
UseGuards(JwtAuthGuard)(PluginController);
Get()(PluginController.prototype, 'read', Object.getOwnPropertyDescriptor(PluginController.prototype, 'read'));

export class PluginModule {}
Module({ controllers: [PluginController] })(PluginModule);
`;

const PLUGIN_SCRIPT = `const { NestFactory } = require('@nestjs/core');
const { Module } = require('@nestjs/common');
const { AppModule, database } = require('./dist/app.module.js');
import('orders-plugin').then(async ({ PluginModule, PluginController }) => {
  class Root {}
  Module({ imports: [AppModule, PluginModule] })(Root);
  const app = await NestFactory.create(Root, { logger: ['error'], abortOnError: false });
  await app.init();
  console.log(JSON.stringify(app.get(PluginController, { strict: false }).read()));
  await app.close();
  await (await database).close();
});`;

/** The plugin and the host, which requires the library, share its providers. */
export async function injectsInto(host, command) {
  const plugin = join(host.folder, 'node_modules/orders-plugin');
  await mkdir(plugin, { recursive: true });
  const manifest = { name: 'orders-plugin', version: '1.0.0', type: 'module', main: 'index.js' };
  await writeFile(join(plugin, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(plugin, 'index.js'), ORDERS_PLUGIN);
  await writeFile(join(host.folder, 'plugin.cjs'), PLUGIN_SCRIPT);
  strictEqual((await run(host.folder, command, ['plugin.cjs'])).trim(), '{"injected":true}');
}
