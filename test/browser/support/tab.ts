import { setTimeout as delay } from 'node:timers/promises';
import type { BrowserContext, Page } from 'playwright-core';
import type { EnginePage, Profile } from './engine.js';

const WITHIN_MS = 45_000;

export interface Outcome {
  value?: ReturnType<typeof JSON.parse>;
  error?: { code?: string; status?: number; message: string };
}

export interface ShownState {
  status: string;
  user: string;
  session: string;
  generation: number | null;
}

/** The types of a browser: Playwright's, where a test needs more than every browser supports. */
export interface Kind {
  readonly page: EnginePage;
  readonly context: Profile;
}

export interface Playwright extends Kind {
  readonly page: Page;
  readonly context: BrowserContext;
}

/** One tab of the test application (`app.html`), driven by its form and read from its page. */
export class Tab<Of extends Kind = Playwright> {
  private orders = 0;

  private constructor(readonly page: Of['page']) {}

  /** Opens the application and waits until it knows whether a user is signed in. */
  static async open<Of extends Kind>(context: Of['context'], url: string): Promise<Tab<Of>> {
    const tab = await Tab.load<Of>(context, url);
    await tab.until(
      ({ status }) => !['', 'unknown'].includes(status),
      'the application knows who is signed in',
    );
    return tab;
  }

  static async load<Of extends Kind>(context: Of['context'], url: string): Promise<Tab<Of>> {
    const page: Of['page'] = await context.newPage();
    await page.goto(url);
    return new Tab<Of>(page);
  }

  /** Sends a command; `answer` resolves when the page shows the result. */
  async order(name: string, ...parameters: unknown[]): Promise<{ answer: Promise<Outcome> }> {
    const id = `${name}-${this.orders++}`;
    await this.page.evaluate(
      (order) => {
        const form = document.querySelector<HTMLFormElement>('#ask')!;
        form.querySelector('input')!.value = order;
        form.requestSubmit();
      },
      JSON.stringify([id, name, ...parameters]),
    );
    return { answer: this.answerTo(id) };
  }

  /** Sends a command and waits for its result. */
  async try(name: string, ...parameters: unknown[]): Promise<Outcome> {
    return (await this.order(name, ...parameters)).answer;
  }

  /** The same, but throws if the command fails. */
  async do(name: string, ...parameters: unknown[]): Promise<ReturnType<typeof JSON.parse>> {
    const { value, error } = await this.try(name, ...parameters);
    if (error) throw new Error(`${name} failed: ${JSON.stringify(error)}`);
    return value;
  }

  state(): Promise<ShownState> {
    return this.page.evaluate(() => {
      const { dataset } = document.querySelector<HTMLElement>('#state')!;
      return {
        status: dataset.status ?? '',
        user: dataset.user ?? '',
        session: dataset.session ?? '',
        generation: dataset.generation ? Number(dataset.generation) : null,
      };
    });
  }

  /** The reasons that `onSignedOut` received. */
  signOuts(): Promise<string[]> {
    return this.page.evaluate(() =>
      [...document.querySelectorAll('#signed-out li')].map((item) => item.textContent ?? ''),
    );
  }

  async until(isMet: (state: ShownState) => boolean, what: string): Promise<ShownState> {
    let state: ShownState | undefined;
    await eventually(
      async () => isMet((state = await this.state())),
      () => `${what}: ${JSON.stringify(state)}`,
    );
    return state!;
  }

  untilStatus(status: string): Promise<ShownState> {
    return this.until((state) => state.status === status, `a tab is ${status}`);
  }

  untilGeneration(generation: number): Promise<ShownState> {
    return this.until((state) => state.generation === generation, `a tab is at generation ${generation}`);
  }

  /** Waits until so many tabs of this device wait for the lock that another one holds. */
  async untilLockIsAwaitedBy(count: number): Promise<void> {
    let waiting = 0;
    await eventually(
      async () => {
        waiting = await this.page.evaluate(async () => (await navigator.locks.query()).pending?.length ?? 0);
        return waiting === count;
      },
      () => `${count} tabs wait for the lock: ${waiting} do`,
    );
  }

  private async answerTo(id: string): Promise<Outcome> {
    let text: string | null = null;
    await eventually(
      async () => {
        text = await this.page.evaluate(
          (item) => document.getElementById(item)?.textContent ?? null,
          `answer-${id}`,
        );
        return text !== null;
      },
      () => `the page shows the answer to ${id}`,
    );
    return JSON.parse(text ?? '') as Outcome;
  }
}

/** Waits for the condition, with an upper limit for a busy machine. */
export async function eventually(isMet: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  while (!(await isMet())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what()}`);
    await delay(20);
  }
}
