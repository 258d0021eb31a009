import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readmePackages } from './layout.mjs';
import { run, withServer } from './processes.mjs';
import { liveThroughASession } from './session.mjs';

const APP = fileURLToPath(new URL('../fixtures/host', import.meta.url));

export const END_TO_END_SPECS = ['app.e2e-spec.ts', 'testing-kit.e2e-spec.ts'];

/** A Nest project as its maker's command line generates it, with the packed library in it. */
export class Host {
  /**
   * @param folder where it is made
   * @param kind `{ nest, type, mongoose, packageManager }`
   * @param node folder of the `node` that builds and tests it; without it, the one that runs this
   */
  constructor(folder, kind, tarballs, node) {
    this.folder = folder;
    this.kind = { packageManager: 'npm', ...kind };
    this.tarballs = tarballs;
    this.options = { node };
  }

  get isEsm() {
    return this.kind.type === 'esm';
  }

  /** Makes the project, installs what the README says, and adds the application. */
  async make({ edit = async () => undefined } = {}) {
    await this.generate();
    await edit(this);
    await this.install();
    await this.addApplication();
  }

  async generate() {
    const { nest, type, packageManager } = this.kind;
    const parent = join(this.folder, '..');
    await mkdir(parent, { recursive: true });
    const name = this.folder.slice(parent.length + 1);
    // The schematic that `nest new` runs: since Nest 12 the command itself asks for the kind of module on a terminal.
    const parameters = [`--name=${name}`, '--language=ts', `--package-manager=${packageManager}`];
    if (nest === 12) parameters.push(`--type=${type}`);
    await run(parent, 'npx', [
      ...['--yes', '--package', `@nestjs/cli@${nest}`, 'schematics'],
      ...['@nestjs/schematics:application', ...parameters],
    ]);
  }

  async install() {
    const { nest, mongoose, packageManager } = this.kind;
    const library = this.tarballs['nestjs-silent-auth'];
    const names = (await readmePackages(nest)).map((name) =>
      name === 'nestjs-silent-auth'
        ? library
        : name === 'mongoose' && mongoose
          ? `mongoose@${mongoose}`
          : name,
    );
    const development = this.tarballs['nestjs-silent-auth-embedded-mongo'];
    const [add, addForDevelopment] =
      packageManager === 'npm' ? [['install'], ['install', '--save-dev']] : [['add'], ['add', '--save-dev']];
    await this.run(packageManager, ...add, ...names);
    await this.run(packageManager, ...addForDevelopment, development);
  }

  async addApplication() {
    for (const name of ['app.controller.ts', 'app.controller.spec.ts', 'app.service.ts'])
      await rm(join(this.folder, 'src', name));
    for (const name of ['app.module.ts', 'orders.controller.ts', 'orders.controller.spec.ts'])
      await this.add(name, 'src');
    for (const name of END_TO_END_SPECS) await this.add(name, 'test');
    await this.rewrite('src/main.ts', (text) => text.replace('?? 3000)', "?? 3000, '127.0.0.1')"));
  }

  /** A CommonJS project imports without the extension, as its generated files do. */
  async add(name, to) {
    const text = await readFile(join(APP, name), 'utf8');
    const adapted = this.isEsm ? text : text.replaceAll(/(from '[^']+)\.js'/g, "$1'");
    await writeFile(join(this.folder, to, name), adapted);
  }

  async rewrite(name, change) {
    const path = join(this.folder, name);
    const before = await readFile(path, 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`${name} is not as the schematics wrote it before`);
    await writeFile(path, after);
  }

  run(command, ...parameters) {
    return run(this.folder, command, parameters, this.options);
  }

  build() {
    return this.run('npm', 'run', 'build');
  }

  test() {
    return this.run('npm', 'test');
  }

  testEndToEnd() {
    return this.run('npm', 'run', 'test:e2e');
  }

  /** Boots what was built, by `node dist/main` or another command, and lives through a session there. */
  boot(command = 'node', parameters = ['dist/main']) {
    return withServer(this.folder, command, parameters, liveThroughASession, this.options);
  }
}
