import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { describeWith } from '../support/engine.js';
import { FIREFOX, launchFirefox } from '../support/firefox.js';
import type { Kind } from '../support/tab.js';
import { World } from '../support/world.js';
import { tellStories } from './stories.js';

tellStories(FIREFOX, launchFirefox);

describeWith(FIREFOX, 'in Firefox with cookies blocked', () => {
  let world: World<Kind>;

  beforeAll(async () => {
    world = await World.openIn<Kind>(() => launchFirefox({ 'network.cookie.cookieBehavior': 2 }));
  });
  afterEach(() => world.tidy());
  afterAll(() => world?.close());

  it('the client keeps the user signed in until the page is closed', async () => {
    const device = await world.device();
    const [tab] = await device.signedIn(1);
    expect(await tab.do('get', '/api/orders')).toMatchObject({ status: 200 });
    await tab.page.reload();
    expect(await tab.untilStatus('signed-out')).toMatchObject({ user: '' });
  });
});
