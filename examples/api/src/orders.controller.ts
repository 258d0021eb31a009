import { Body, Controller, Get, Post } from '@nestjs/common';
import { type AuthenticatedUser, CurrentUser } from 'nestjs-silent-auth';

interface Order {
  readonly id: number;
  readonly what: string;
}

/** A resource to protect. Kept in memory: this example is about users, not about orders. */
@Controller('orders')
export class OrdersController {
  private readonly ordersByUser = new Map<string, Order[]>();

  @Get()
  list(@CurrentUser() { id }: AuthenticatedUser): Order[] {
    return this.ordersByUser.get(id) ?? [];
  }

  @Post()
  place(@CurrentUser() { id }: AuthenticatedUser, @Body() { what }: { what?: unknown } = {}): Order {
    const orders = this.ordersByUser.get(id) ?? [];
    const order = { id: orders.length + 1, what: String(what ?? 'something').slice(0, 100) };
    this.ordersByUser.set(id, [...orders, order]);
    return order;
  }
}
