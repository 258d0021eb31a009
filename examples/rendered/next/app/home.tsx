'use client';

import Link from 'next/link';
import { useAuth } from 'nestjs-silent-auth-client/react';
import { type Order, Orders } from './orders';
import { SignIn } from './sign-in';

/** @param orders the orders of the user that the page was rendered for */
export function Home({ orders }: { orders: Order[] | null }) {
  const { status, user } = useAuth();
  if (status === 'unknown') return <p>One moment…</p>;
  return (
    <>
      {user ? <Orders key={user.id} rendered={orders} /> : <SignIn />}
      <Link href="/about">About</Link>
    </>
  );
}
