import { type CanActivate, Controller, type ExecutionContext, Get, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { JwtAuthGuard } from 'nestjs-silent-auth';
import { KEY_OBJECT_STRATEGY, STRING_SECRET_STRATEGY } from './textbook-guard.js';

const ANSWER = { ok: true };

/** The minimum cost of a guard: it checks nothing. */
class EmptyGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

/** The minimum cost of a guard that reads a header: Node parses the headers at the first read. */
class HeaderGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>();
    return headers['authorization'] !== undefined;
  }
}

/** One route, several times: unguarded, and behind each guard. */
@Controller('orders')
export class GuardedController {
  @Get('open')
  open() {
    return ANSWER;
  }

  @Get('guarded')
  @UseGuards(JwtAuthGuard)
  guarded() {
    return ANSWER;
  }

  @Get('empty-guard')
  @UseGuards(EmptyGuard)
  emptyGuard() {
    return ANSWER;
  }

  @Get('header-guard')
  @UseGuards(HeaderGuard)
  headerGuard() {
    return ANSWER;
  }

  @Get('textbook/string-secret')
  @UseGuards(AuthGuard(STRING_SECRET_STRATEGY))
  stringSecret() {
    return ANSWER;
  }

  @Get('textbook/key-object')
  @UseGuards(AuthGuard(KEY_OBJECT_STRATEGY))
  keyObject() {
    return ANSWER;
  }
}
