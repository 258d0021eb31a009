'use client';

import type { ReactNode } from 'react';
import type { AuthState } from 'nestjs-silent-auth-client';
import { AuthProvider } from 'nestjs-silent-auth-client/react';
import { auth } from './auth';

export function Providers({ initialState, children }: { initialState: AuthState; children: ReactNode }) {
  return (
    <AuthProvider auth={auth} initialState={initialState}>
      {children}
    </AuthProvider>
  );
}
