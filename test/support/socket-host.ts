import { type INestApplication, Logger, type Type } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { AuthModule, type AuthModuleExtras, type AuthOptions } from '../../src/index.js';
import { authOptions, HostApp } from './host-app.js';

/** A host with its own gateways or controllers, on the port of its HTTP server. */
export async function startSocketHost(
  kind: 'socket.io' | 'ws',
  providers: Type[],
  options: Partial<AuthOptions> & AuthModuleExtras = {},
  controllers: Type[] = [],
  uri?: string,
): Promise<HostApp> {
  const { globalGuard, ...rest } = options;
  const imports = [AuthModule.forRoot({ ...authOptions(rest), ...(globalGuard ? { globalGuard } : {}) })];
  return HostApp.startWith('express', { imports, providers, controllers }, uri, (app: INestApplication) =>
    app.useWebSocketAdapter(kind === 'ws' ? new WsAdapter(app) : new IoAdapter(app)),
  );
}

/** Collects the lines that Nest logs as errors from now on. */
export function errorLines(): unknown[][] {
  const lines: unknown[][] = [];
  Logger.overrideLogger({
    log: () => undefined,
    warn: () => undefined,
    error: (...line: unknown[]) => void lines.push(line),
  });
  return lines;
}
