import type { ReactNode } from 'react';
import '../../../style.css';
import { pageAuth } from './page-auth';
import { Providers } from './providers';

export const metadata = { title: 'Orders' };

export default async function Layout({ children }: { children: ReactNode }) {
  const { state } = await pageAuth();
  return (
    <html lang="en">
      <body>
        <Providers initialState={state}>{children}</Providers>
      </body>
    </html>
  );
}
