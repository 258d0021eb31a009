/** @jest-environment ./test/client/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { createApp, createSSRApp, defineComponent, effectScope, h, nextTick } from 'vue';
import { renderToString } from 'vue/server-renderer';
import { authPlugin, useAuth } from '../../src/client/vue.js';
import { ADA } from './support/browser.js';
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

  it('says what is missing without the plugin', () => {
    const app = createApp(Greeting);
    app.config.warnHandler = () => undefined;
    expect(() => app.mount(document.createElement('div'))).toThrow('authPlugin');
  });

  it('renders on a server', async () => {
    const { auth } = await on.signedIn();
    const app = createSSRApp(Greeting).use(authPlugin(auth));
    expect(await renderToString(app)).toBe(`<p>Hello ${ADA.email}</p>`);
  });

  it('listens no longer than its scope lives', async () => {
    const { auth } = await on.signedIn();
    const scope = effectScope();
    const { state } = scope.run(() => useAuth(auth)) as ReturnType<typeof useAuth>;
    expect(state.value.status).toBe('signed-in');
    scope.stop();
    await auth.logout();
    expect(state.value.status).toBe('signed-in');
  });
});
