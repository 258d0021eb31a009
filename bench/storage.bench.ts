import { type Bench, row } from './bench.js';
import { BROWSER, HttpClient } from './load/http.js';
import { SessionClient } from './load/session-client.js';

const ROTATIONS = [0, 10, 1_000];
const QUICK_ROTATIONS = [0, 10, 20];
const GOAL_BYTES = 2_500;
/** The library stores at most this many characters of one. */
const LONGEST_USER_AGENT = BROWSER['user-agent'].padEnd(256, '.');

export const bench: Bench = {
  name: 'storage',
  meaning: 'BSON bytes of a session after this many rotations, constant from 10 on',
  async run({ quick, withHost }) {
    return withHost({ adapter: 'express', database: 'storage' }, async (host) => {
      const http = new HttpClient(host.origin, { connections: 2 });
      const sizes = async (userAgent: string) => {
        const headers = { 'user-agent': userAgent };
        const client = await SessionClient.register(http, headers);
        const bytes: number[] = [];
        let rotations = 0;
        for (const target of quick ? QUICK_ROTATIONS : ROTATIONS) {
          for (; rotations < target; rotations += 1) await client.refresh(headers);
          bytes.push(await host.sessionBytes(client.sessionId));
        }
        return bytes;
      };
      const usual = await sizes(BROWSER['user-agent']);
      const longest = await sizes(LONGEST_USER_AGENT);
      await http.close();

      const rows = (measured: number[], of: string, details: string) =>
        measured.map((bytes, index) =>
          row({
            bench: bench.name,
            figure: `after ${(quick ? QUICK_ROTATIONS : ROTATIONS)[index]} rotations${of}`,
            measured: bytes,
            unit: 'bytes',
            goal: { atMost: GOAL_BYTES },
            details,
          }),
        );
      return [
        ...rows(usual, '', `a user agent of ${BROWSER['user-agent'].length} characters`),
        ...rows(longest, ', longest user agent', `${LONGEST_USER_AGENT.length} characters`),
      ];
    });
  },
};
