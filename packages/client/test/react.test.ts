/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { act, createElement, StrictMode } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import type { AuthState } from '../src/index.js';
import { AuthProvider, useAuth } from '../src/react.js';
import { ADA } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();
Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

function Greeting() {
  const { status, user } = useAuth();
  return createElement('p', null, user ? `Hello ${user.email}` : status);
}

describe('useAuth in React', () => {
  it('renders every new state, and none after it is unmounted', async () => {
    const { auth } = on.browser.tab();
    const element = document.createElement('div');
    const root = createRoot(element);
    act(() => root.render(createElement(AuthProvider, { auth }, createElement(Greeting))));
    expect(element.textContent).toBe('unknown');
    await act(async () => void (await auth.login(ADA)));
    expect(element.textContent).toBe(`Hello ${ADA.email}`);
    await act(() => auth.logout());
    expect(element.textContent).toBe('signed-out');
    act(() => root.unmount());
    await auth.login(ADA);
    expect(element.textContent).toBe('');
  });

  it('reports a missing provider', () => {
    const root = createRoot(document.createElement('div'), { onUncaughtError: () => undefined });
    expect(() => act(() => root.render(createElement(Greeting)))).toThrow('AuthProvider');
  });

  it('hydrates a rendered page without a mismatch, then shows who is signed in', async () => {
    const { auth } = await on.signedIn();
    const page = createElement(AuthProvider, { auth }, createElement(Greeting));
    const element = document.createElement('div');
    element.innerHTML = renderToString(page);
    expect(element.textContent).toBe('unknown');
    const mismatches: unknown[] = [];
    const root = await act(async () =>
      hydrateRoot(element, page, { onRecoverableError: (error) => mismatches.push(error) }),
    );
    expect(element.textContent).toBe(`Hello ${ADA.email}`);
    expect(mismatches).toEqual([]);
    act(() => root.unmount());
  });

  it('a page rendered for a user shows the user in the first frame, and sends no request', async () => {
    const { auth: server } = await on.signedIn();
    const initialState = JSON.parse(JSON.stringify(server.getState())) as AuthState;
    const onServer = on.browser.tab().auth;
    const element = document.createElement('div');
    element.innerHTML = renderToString(
      createElement(AuthProvider, { auth: onServer, initialState }, createElement(Greeting)),
    );
    expect(element.textContent).toBe(`Hello ${ADA.email}`);
    // A client shared by all requests must not take over a user.
    expect(onServer.getState().status).toBe('unknown');

    const frames: string[] = [];
    new MutationObserver(() => frames.push(element.textContent)).observe(element, {
      childList: true,
      characterData: true,
      subtree: true,
    });
    const { auth } = on.browser.tab();
    const page = () => createElement(AuthProvider, { auth, initialState }, createElement(Greeting));
    const mismatches: unknown[] = [];
    const root = await act(async () =>
      hydrateRoot(element, createElement(StrictMode, null, page()), {
        onRecoverableError: (error) => mismatches.push(error),
      }),
    );
    expect(auth.getState().user).toEqual(initialState.user);
    // A state that a router brings later is ignored.
    const later: AuthState = { status: 'signed-out', user: null, session: null, tokenExpiresAt: null };
    await act(async () =>
      root.render(
        createElement(
          StrictMode,
          null,
          createElement(AuthProvider, { auth, initialState: later }, createElement(Greeting)),
        ),
      ),
    );
    expect({ mismatches, frames, refreshes: on.server.count('/auth/refresh') }).toEqual({
      mismatches: [],
      frames: [],
      refreshes: 0,
    });
    await act(() => auth.logout());
    expect(element.textContent).toBe('signed-out');
    act(() => root.unmount());
  });
});
