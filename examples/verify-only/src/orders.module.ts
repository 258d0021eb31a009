import { Controller, type DynamicModule, Get, Module, Post, UseGuards } from '@nestjs/common';
import {
  type AuthenticatedUser,
  CurrentUser,
  JwtAuthGuard,
  RequireFreshAuth,
  Roles,
  RolesGuard,
  VerifyOnlyAuthModule,
} from 'nestjs-silent-auth/verify';

@Controller('orders')
export class OrdersController {
  @Get()
  @UseGuards(JwtAuthGuard)
  list(@CurrentUser() user: AuthenticatedUser) {
    return { ordersOf: user.id };
  }

  @Post('approve')
  @Roles('admin')
  @RequireFreshAuth('5m')
  @UseGuards(JwtAuthGuard, RolesGuard)
  approve() {
    return { approved: true };
  }
}

@Module({ controllers: [OrdersController] })
export class OrdersModule {
  /** @param issuer the `issuer` of the service that signs */
  static forRoot(issuer: string, jwksUri = `${issuer}/.well-known/jwks.json`): DynamicModule {
    return { module: OrdersModule, imports: [VerifyOnlyAuthModule.forRoot({ issuer, jwksUri })] };
  }
}
