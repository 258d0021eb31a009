// An application with a socket.io gateway and an event stream, in its own process, from the built library.
// Reads its database and options as JSON, and prints its origin when it listens. Plain JavaScript, so
// decorators are called by hand.
import 'reflect-metadata';
import { Controller, Dependencies, Module, Req, Sse, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MongooseModule } from '@nestjs/mongoose';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AuthModule, JwtAuthGuard, SocketSessions } from 'nestjs-silent-auth';
import { interval, map } from 'rxjs';

class NewsController {
  constructor(sockets) {
    this.sockets = sockets;
  }

  news(request) {
    return interval(20).pipe(
      map((data) => ({ data })),
      this.sockets.untilEnded(request),
    );
  }
}
class ChatGateway {
  join() {
    return { isIn: true };
  }
}
class AppModule {}

function onMethod(Class, name, ...decorators) {
  for (const decorate of decorators)
    decorate(Class.prototype, name, Object.getOwnPropertyDescriptor(Class.prototype, name));
}
onMethod(NewsController, 'news', Sse(), UseGuards(JwtAuthGuard));
Req()(NewsController.prototype, 'news', 0);
Dependencies(SocketSessions)(NewsController);
Controller('news')(NewsController);
onMethod(ChatGateway, 'join', SubscribeMessage('join'), UseGuards(JwtAuthGuard));
WebSocketGateway()(ChatGateway);

const { uri, options } = JSON.parse(process.argv[2]);
Module({
  imports: [MongooseModule.forRoot(uri), AuthModule.forRoot(options)],
  controllers: [NewsController],
  providers: [ChatGateway],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error'] });
await app.listen(0, '127.0.0.1');
process.send(await app.getUrl());
process.on('disconnect', () => process.exit());
