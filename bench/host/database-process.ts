/** The process of the embedded database: it ends with the bench. */
import { startEmbeddedMongo } from 'nestjs-silent-auth-embedded-mongo';

const { uri } = await startEmbeddedMongo();
process.on('disconnect', () => process.exit());
process.send?.(uri);
