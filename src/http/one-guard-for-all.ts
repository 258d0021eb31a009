import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { ConfigurationError } from '../options/option-reader.js';
import { JwtAuthGuard } from './guards/jwt-auth.guard.js';

const MEND =
  'two global modules of the application export JwtAuthGuard, and a controller would get the one or the other: ' +
  'give isGlobal: false to one of them, and import it where its guard is used';

/** Of the modules that hand the guard out, one at most is global. */
@Injectable()
export class OneGuardForAll implements OnModuleInit {
  constructor(private readonly modules: ModulesContainer) {}

  /** @throws ConfigurationError */
  onModuleInit(): void {
    const global = [...this.modules.values()].filter(
      ({ isGlobal, providers, exports }) =>
        isGlobal && providers.has(JwtAuthGuard) && exports.has(JwtAuthGuard),
    );
    if (global.length > 1) throw new ConfigurationError([{ key: 'isGlobal', value: 'true', mend: MEND }]);
  }
}
