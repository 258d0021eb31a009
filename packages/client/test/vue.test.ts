/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it, jest } from '@jest/globals';
import {
  createApp,
  createSSRApp,
  defineComponent,
  effectScope,
  h,
  isReactive,
  nextTick,
  reactive,
} from 'vue';
import { renderToString } from 'vue/server-renderer';
import type { AuthState } from '../src/index.js';
import { authPlugin, useAuth } from '../src/vue.js';
import { ADA, until } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();
const Greeting = defineComponent({
  setup() {
    const { state } = useAuth();
    return () => h('p', state.value.user ? `Hello ${state.value.user.email}` : state.value.status);
  },
});

describe('useAuth in Vue', () => {
  it('renders every new state', async () => {
    const { auth } = on.browser.tab();
    const element = document.createElement('div');
    const app = createApp(Greeting).use(authPlugin(auth));
    app.mount(element);
    expect(element.textContent).toBe('unknown');
    await auth.login(ADA);
    await nextTick();
    expect(element.textContent).toBe(`Hello ${ADA.email}`);
    await auth.logout();
    await nextTick();
    expect(element.textContent).toBe('signed-out');
    app.unmount();
  });

  it('reports a missing plugin', () => {
    const app = createApp(Greeting);
    app.config.warnHandler = () => undefined;
    expect(() => app.mount(document.createElement('div'))).toThrow('authPlugin');
  });

  it('renders the same on the server and while hydrating, then the user', async () => {
    const { auth } = await on.signedIn();
    const html = await renderToString(createSSRApp(Greeting).use(authPlugin(auth)));
    expect(html).toBe('<p>unknown</p>');
    const element = document.createElement('div');
    element.innerHTML = html;
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const error = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const app = createSSRApp(Greeting).use(authPlugin(auth));
    app.mount(element);
    expect([...warn.mock.calls, ...error.mock.calls]).toEqual([]);
    await nextTick();
    expect(element.textContent).toBe(`Hello ${ADA.email}`);
    await auth.logout();
    await nextTick();
    expect(element.textContent).toBe('signed-out');
    app.unmount();
    warn.mockRestore();
    error.mockRestore();
  });

  it('a page rendered for a user shows the user in the first frame, and sends no request', async () => {
    const { auth: server } = await on.signedIn();
    const initialState = JSON.parse(JSON.stringify(server.getState())) as AuthState;
    const html = await renderToString(
      createSSRApp(Greeting).use(authPlugin(on.browser.tab().auth, initialState)),
    );
    expect(html).toBe(`<p>Hello ${ADA.email}</p>`);
    const element = document.createElement('div');
    element.innerHTML = html;
    const frames: string[] = [];
    new MutationObserver(() => frames.push(element.textContent)).observe(element, {
      childList: true,
      characterData: true,
      subtree: true,
    });
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const error = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const { auth } = on.browser.tab();
    // Reactive, like the payload of Nuxt.
    const app = createSSRApp(Greeting).use(authPlugin(auth, reactive(initialState)));
    app.mount(element);
    await until(() => auth.getState().status === 'signed-in');
    await nextTick();
    expect([...warn.mock.calls, ...error.mock.calls, ...frames]).toEqual([]);
    expect(isReactive(auth.getState())).toBe(false);
    expect(on.server.count('/auth/refresh')).toBe(0);
    await auth.logout();
    await nextTick();
    expect(element.textContent).toBe('signed-out');
    app.unmount();
    warn.mockRestore();
    error.mockRestore();
  });

  it('stops listening when its scope ends', async () => {
    const { auth } = await on.signedIn();
    const scope = effectScope();
    const { state } = scope.run(() => useAuth(auth)) as ReturnType<typeof useAuth>;
    expect(state.value.status).toBe('signed-in');
    scope.stop();
    await auth.logout();
    expect(state.value.status).toBe('signed-in');
  });
});
