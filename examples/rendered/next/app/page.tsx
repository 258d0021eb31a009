import { Home } from './home';
import type { Order } from './orders';
import { pageAuth } from './page-auth';
import { api } from './server';

export default async function Page() {
  const { accessToken } = await pageAuth();
  return <Home orders={accessToken ? await ordersOf(accessToken) : null} />;
}

/** `null` if the API does not answer: the browser asks again. */
async function ordersOf(accessToken: string): Promise<Order[] | null> {
  try {
    const answer = await fetch(`${api}/orders`, {
      headers: { authorization: `Bearer ${accessToken}` },
      cache: 'no-store',
    });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
