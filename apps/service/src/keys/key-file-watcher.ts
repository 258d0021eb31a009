import { unwatchFile, watchFile } from 'node:fs';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import {
  ConfigurationError,
  type KeyChange,
  KeyFileError,
  type KeyRing,
  type TokenKind,
} from 'nestjs-silent-auth';
import type { KeySources } from '../config/key-sets.js';

const LOOK_EVERY_MS = 1000;

/**
 * Takes over the keys of a changed file without a restart. It polls the file: file notifications differ between
 * systems and do not work for mounted files. If the new keys cannot be used, the service keeps its current keys and
 * logs an error.
 */
@Injectable()
export class KeyFileWatcher implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Keys');
  private readonly paths: ReadonlySet<string>;
  private readonly changed = (): void => this.reload();

  constructor(
    private readonly ring: KeyRing,
    private readonly sources: KeySources,
  ) {
    const paths = [sources.access.path, sources.refresh.path];
    this.paths = new Set(paths.filter((path) => path !== null));
  }

  onApplicationBootstrap(): void {
    for (const path of this.paths)
      watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, this.changed);
    // The file may have changed since the configuration was read.
    if (this.paths.size > 0) this.reload();
  }

  onApplicationShutdown(): void {
    for (const path of this.paths) unwatchFile(path, this.changed);
  }

  private reload(): void {
    try {
      const { access, refresh } = this.sources;
      const change = this.ring.replace({ access: access.readAgain(), refresh: refresh.readAgain() });
      for (const kind of ['access', 'refresh'] as const) this.logChange(kind, change[kind]);
    } catch (error) {
      if (!(error instanceof ConfigurationError || error instanceof KeyFileError)) throw error;
      this.logger.error(
        `a key file changed and cannot be used; the service keeps its current keys. ${error.message}`,
      );
    }
  }

  private logChange(kind: TokenKind, { signing, isNewSigner, added, retired }: KeyChange): void {
    if (!isNewSigner && added.length === 0 && retired.length === 0) return;
    this.logger.log({ event: 'keys.changed', kind, signing, added, retired });
  }
}
