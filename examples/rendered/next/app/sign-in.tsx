'use client';

import { type FormEvent, useState } from 'react';
import { AuthClientError } from 'nestjs-silent-auth-client';
import { useAuth } from 'nestjs-silent-auth-client/react';

export function SignIn() {
  const { auth } = useAuth();
  const [problem, setProblem] = useState('');

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const credentials = { email: String(form.get('email')), password: String(form.get('password')) };
    const isNew = (event.nativeEvent as SubmitEvent).submitter?.getAttribute('value') === 'register';
    try {
      await (isNew ? auth.register(credentials) : auth.login(credentials));
    } catch (error) {
      if (!(error instanceof AuthClientError)) throw error;
      setProblem(error.message);
    }
  }

  return (
    <>
      <header>
        <h1>Orders</h1>
      </header>
      <form onSubmit={submit}>
        <label>
          E-mail
          <input name="email" type="email" autoComplete="username" required />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <button value="login">Sign in</button>
        <button value="register">Register</button>
      </form>
      <p role="alert">{problem}</p>
    </>
  );
}
