import { Module } from '@nestjs/common';
import { DemoController } from './demo.controller.js';
import { LostResponses } from './lost-responses.js';
import { Thief } from './thief.js';
import { Timeline } from './timeline.js';

/** The server's side of the demo page. Never imported in production. */
@Module({ controllers: [DemoController], providers: [Timeline, LostResponses, Thief] })
export class DemoModule {}
