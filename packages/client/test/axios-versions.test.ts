import { describe, expect, it } from '@jest/globals';
import type axios from 'axios';
import axios0 from 'axios-0';
import axios1 from 'axios-1.0';
import axios13 from 'axios-1.13';
import { attachToAxios } from '../src/axios.js';
import { stage } from './support/stage.js';

const on = stage();

describe('attachToAxios', () => {
  it.each([
    ['1.0', axios1],
    ['1.13.3', axios13],
  ])('works with axios %s', async (_, old) => {
    const { auth } = await on.signedIn();
    const instance = (old as unknown as typeof axios).create({ baseURL: on.server.origin });
    attachToAxios(instance, auth);
    on.server.refused.add((await auth.getAccessToken()) ?? '');
    expect((await instance.post('/api/orders', { id: 1 })).data).toMatchObject({ body: '{"id":1}' });
  });

  it('reports that axios 0 is too old', async () => {
    const { auth } = await on.signedIn();
    const instance = (axios0 as unknown as typeof axios).create({ baseURL: on.server.origin });
    attachToAxios(instance, auth);
    await expect(instance.get('/api/orders')).rejects.toThrow('attachToAxios needs axios 1 or later.');
  });
});
