import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { ConfigurationError } from '../options/option-reader.js';
import { JwtAuthGuard } from './guards/jwt-auth.guard.js';

const FIX =
  'two global modules of the application export JwtAuthGuard, and a controller could get either: ' +
  'set isGlobal: false for one of them, and import it where its guard is used';

/** Refuses more than one global module that exports the guard. */
@Injectable()
export class OneGuardForAll implements OnModuleInit {
  constructor(private readonly modules: ModulesContainer) {}

  /** @throws ConfigurationError */
  onModuleInit(): void {
    const global = [...this.modules.values()].filter(
      ({ isGlobal, providers, exports }) =>
        isGlobal && providers.has(JwtAuthGuard) && exports.has(JwtAuthGuard),
    );
    if (global.length > 1) throw new ConfigurationError([{ key: 'isGlobal', value: 'true', fix: FIX }]);
  }
}
