import { type CanActivate, Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { JwtAuthGuard } from 'nestjs-silent-auth';
import { KEY_OBJECT_STRATEGY, STRING_SECRET_STRATEGY } from './textbook-guard.js';

const ANSWER = { ok: true };

/** What any guard costs: it looks at nothing. */
class EmptyGuard implements CanActivate {
  canActivate(): boolean {
    return true;
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
