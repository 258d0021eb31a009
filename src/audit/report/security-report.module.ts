import { type DynamicModule, Module } from '@nestjs/common';
import { SecurityReportService } from './security-report.service.js';

export interface SecurityReportModuleImports {
  readonly audit: DynamicModule;
  readonly database: DynamicModule;
  readonly users: DynamicModule;
  readonly tokens: DynamicModule;
}

@Module({})
export class SecurityReportModule {
  static register(imports: SecurityReportModuleImports): DynamicModule {
    return {
      module: SecurityReportModule,
      imports: Object.values(imports),
      providers: [SecurityReportService],
      exports: [SecurityReportService],
    };
  }
}
