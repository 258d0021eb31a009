'use client';

import { useAuth } from 'nestjs-silent-auth-client/react';

/** The user is shown by a component of the client, so that it stays correct after a navigation of the router. */
export function Greeting() {
  const { user } = useAuth();
  return <p>{user ? `Hello ${user.email}.` : 'Hello.'}</p>;
}
