'use client';

import { useAuth } from 'nestjs-silent-auth-client/react';

/** What shows the user is a component of the client: it is right after a navigation of the router as well. */
export function Greeting() {
  const { user } = useAuth();
  return <p>{user ? `Hello ${user.email}.` : 'Hello.'}</p>;
}
