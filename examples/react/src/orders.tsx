import { useEffect, useState } from 'react';
import { useAuth } from 'nestjs-silent-auth-client/react';

interface Order {
  readonly id: number;
  readonly what: string;
}

export function Orders() {
  const { auth, user } = useAuth();
  const [orders, setOrders] = useState<Order[]>([]);
  const [problem, setProblem] = useState('');

  /** This code does not handle tokens: `auth.fetch` refreshes them when they are due. */
  async function ask(init?: RequestInit) {
    try {
      if (init) await auth.fetch('/orders', init);
      const answer = await auth.fetch('/orders');
      if (answer.ok) setOrders(await answer.json());
      setProblem('');
    } catch {
      setProblem('The server cannot be reached. You are still signed in.');
    }
  }

  useEffect(() => void ask(), []);

  const place = (form: FormData) =>
    ask({
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ what: form.get('what') }),
    });

  return (
    <>
      <header>
        <h1>Orders</h1>
        <span>{user?.email}</span>
        <button onClick={() => void auth.logout().catch(() => undefined)}>Sign out</button>
      </header>
      <ul aria-label="Orders">
        {orders.map(({ id, what }) => (
          <li key={id}>{what}</li>
        ))}
      </ul>
      <form action={place}>
        <label>
          What
          <input name="what" required maxLength={100} />
        </label>
        <button>Order</button>
      </form>
      <p role="alert">{problem}</p>
    </>
  );
}
