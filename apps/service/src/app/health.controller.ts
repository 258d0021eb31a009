import { Controller, Get, Header } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  MongooseHealthIndicator,
} from '@nestjs/terminus';
import { Public, RevocationService } from 'nestjs-silent-auth';

const PING_TIMEOUT_MS = 1500;

@Public()
@Controller('health')
export class HealthController {
  /** Anyone may ask, so requests at the same time share one ping. */
  private pinging: ReturnType<HealthController['ping']> | null = null;

  constructor(
    private readonly health: HealthCheckService,
    private readonly mongoose: MongooseHealthIndicator,
    private readonly indicators: HealthIndicatorService,
    private readonly revocations: RevocationService,
  ) {}

  /** The process is running. */
  @Get('live')
  @Header('Cache-Control', 'no-store')
  live() {
    return { status: 'ok' };
  }

  /** The process can serve requests: its database answers, and it knows the revocations of other instances. */
  @Get('ready')
  @Header('Cache-Control', 'no-store')
  @HealthCheck()
  ready() {
    return this.health.check([
      () => {
        this.pinging ??= this.ping().finally(() => {
          this.pinging = null;
        });
        return this.pinging;
      },
      async () => {
        const indicator = this.indicators.check('revocations');
        return (await this.revocations.catchUp()) ? indicator.up() : indicator.down();
      },
    ]);
  }

  /** Anyone may read whether the database is up or down, but not its host, port and times. */
  private async ping() {
    const { mongodb } = await this.mongoose.pingCheck('mongodb', { timeout: PING_TIMEOUT_MS });
    return { mongodb: { status: mongodb.status } };
  }
}
