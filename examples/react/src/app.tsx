import { useAuth } from 'nestjs-silent-auth-client/react';
import { Orders } from './orders';
import { SignIn } from './sign-in';

export function App() {
  const { status } = useAuth();
  if (status === 'unknown') return <p>One moment…</p>;
  return status === 'signed-in' ? <Orders /> : <SignIn />;
}
