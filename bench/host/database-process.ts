/** The process of the embedded database: it ends with the bench. */
const packageRoot = new URL('.', import.meta.resolve('nestjs-silent-auth/package.json'));
const entry = new URL('dist/embedded-mongo/index.js', packageRoot);
const { startEmbeddedMongo } = (await import(entry.href)) as {
  startEmbeddedMongo: () => Promise<{ readonly uri: string }>;
};
const { uri } = await startEmbeddedMongo();
process.on('disconnect', () => process.exit());
process.send?.(uri);
