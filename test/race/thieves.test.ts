import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Cluster } from '../support/proof/cluster.js';
import { ServiceStage } from '../support/proof/service-stage.js';
import { rob, type Robbery } from '../support/proof/thieves.js';

/** Much longer than a request takes on a busy machine. */
const GRACE_MS = 3_000;
/** Pushed revocations are faster than this; during a watch the collection is only read every five seconds. */
const BOUND_MS = 2_400;

// Each robbery waits for the grace period and the bound three times.
jest.setTimeout(300_000);

describe('a thief who adapts, at another instance and in the same network', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start(2, GRACE_MS);
  }, 240_000);

  afterAll(() => cluster?.stop());

  const robbed = (robbery: Robbery) => {
    const stage = new ServiceStage(cluster.services, cluster.sessions, GRACE_MS, BOUND_MS);
    return rob(stage, { rounds: 3, ...robbery });
  };

  describe.each([
    ['cookie', true],
    ['body', false],
  ])('%s transport, the client sends attempts', (_, isCookie) => {
    it('one behind: gets nothing', async () => {
      const report = await robbed({ thief: 'one behind', copy: 'full copy', hasAttempts: true, isCookie });
      expect(report).toMatchObject({ served: 0, calls: 0, runs: 0, generationsToEnd: null });
    });

    it('one behind, tries again: the session ends', async () => {
      const thief = 'one behind, tries again';
      const report = await robbed({ thief, copy: 'token only', hasAttempts: true, isCookie });
      expect(report).toMatchObject({ served: 0, calls: 0, generationsToEnd: 1 });
    });

    it('one ahead: their tokens are worthless once the owner has come', async () => {
      const report = await robbed({ thief: 'one ahead', copy: 'token only', hasAttempts: true, isCookie });
      expect(report).toMatchObject({ runs: 1, calls: 0, callsAfterOwner: 0, shared: 0, servedAfterUse: 0 });
      expect(report.generationsToEnd).not.toBeNull();
    });
  });

  it('one behind, client without attempts: a known limit, the thief is served each time', async () => {
    const report = await robbed({ thief: 'one behind', copy: 'token only', hasAttempts: false });
    expect(report).toMatchObject({ served: 3, shared: 3, generationsToEnd: null });
  });
});
