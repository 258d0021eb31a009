import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Parts that Nest loads only if they are installed, and the native module. */
const EXTERNAL = ['bcrypt', '@nestjs/microservices', '@nestjs/websockets'];

export async function bundleByEsbuild(workshop, host) {
  const bin = await workshop.tool('esbuild', '.bin');
  await host.run(
    join(bin, 'esbuild'),
    ...['dist/main.js', '--bundle', '--platform=node', '--outfile=esbuild/main.cjs', '--keep-names'],
    ...EXTERNAL.map((name) => `--external:${name}`),
  );
}

export async function bundleByWebpack(workshop, host) {
  const bin = await workshop.tool('webpack webpack-cli', '.bin');
  const config = {
    mode: 'production',
    target: 'node',
    entry: './dist/main.js',
    output: { path: join(host.folder, 'webpack'), filename: 'main.cjs' },
    // The embedded database refuses NODE_ENV=production, which the mode would set.
    optimization: { minimize: false, nodeEnv: false },
    externalsType: 'commonjs',
  };
  // An entry names a package; what lies in the package is external too.
  const externals = EXTERNAL.map((name) => `/^${name.replaceAll('/', '\\/')}(\\/|$)/`);
  await writeFile(
    join(host.folder, 'webpack.config.cjs'),
    `module.exports = { ...${JSON.stringify(config)}, externals: [${externals.join()}] };`,
  );
  await host.run(join(bin, 'webpack'), '--config', 'webpack.config.cjs');
}
