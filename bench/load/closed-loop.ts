import type { Usage } from '../host/remote.js';

/** Sends one request after another; the next one goes out when the last is answered. */
export type Lane = () => Promise<unknown>;

/** The process whose time counts. */
export interface Measured {
  usage(): Promise<Usage>;
}

/** A way to load a host: one request under way for each lane. */
export interface Contender {
  readonly host: Measured;
  readonly lanes: readonly Lane[];
}

export interface Sample {
  /** Requests per second. */
  readonly rate: number;
  /** Requests per second of processor time that the process of the hosts has used. */
  readonly ratePerCpu: number;
}

/** A round ends by time or by count, whichever comes first. */
export interface RoundLimits {
  readonly ms: number;
  readonly requests: number;
}

export async function runRound({ host, lanes }: Contender, { ms, requests }: RoundLimits): Promise<Sample> {
  const before = await host.usage();
  const startedAt = performance.now();
  let sent = 0;
  const mayGoOn = () => sent < requests && performance.now() - startedAt < ms;
  await Promise.all(
    lanes.map(async (lane) => {
      while (mayGoOn()) {
        sent += 1;
        await lane();
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await host.usage();
  const cpuSeconds = (after.cpuMs - before.cpuMs) / 1000;
  return { rate: sent / seconds, ratePerCpu: sent / Math.max(cpuSeconds, 1e-6) };
}
