import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { AuthProvider } from 'nestjs-silent-auth-client/react';
import '../../style.css';
import { App } from './app';
import { auth } from './auth';

// Restores an existing session. If the server does not answer, the client retries by itself.
auth.restore().catch(() => undefined);

createRoot(document.getElementById('app')!).render(
  <StrictMode>
    <AuthProvider auth={auth}>
      <App />
    </AuthProvider>
  </StrictMode>,
);
