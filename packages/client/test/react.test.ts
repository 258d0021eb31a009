/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { act, createElement } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
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
  it('renders every new state, and none after it has gone', async () => {
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

  it('says what is missing without a provider', () => {
    const root = createRoot(document.createElement('div'), { onUncaughtError: () => undefined });
    expect(() => act(() => root.render(createElement(Greeting)))).toThrow('AuthProvider');
  });

  it('a page rendered on a server is taken over without a mismatch, then shows who is signed in', async () => {
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
});
