import { setTimeout as delay } from 'node:timers/promises';
import type { BrowserContext, Page } from 'playwright-core';

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

/** One tab of the test application (`app.html`), worked by its form and read from its page. */
export class Tab {
  private orders = 0;

  private constructor(readonly page: Page) {}

  /** Opens the application and waits until it knows whether somebody is signed in. */
  static async open(context: BrowserContext, url: string): Promise<Tab> {
    const tab = await Tab.load(context, url);
    await tab.until(({ status }) => status !== 'unknown', 'the application knows who is signed in');
    return tab;
  }

  static async load(context: BrowserContext, url: string): Promise<Tab> {
    const page = await context.newPage();
    await page.goto(url);
    return new Tab(page);
  }

  /** Gives the order; `answer` resolves when the page shows what came of it. */
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

  /** Gives the order and waits for what comes of it. */
  async try(name: string, ...parameters: unknown[]): Promise<Outcome> {
    return (await this.order(name, ...parameters)).answer;
  }

  /** The same, for what has to succeed. */
  async do(name: string, ...parameters: unknown[]): Promise<ReturnType<typeof JSON.parse>> {
    const { value, error } = await this.try(name, ...parameters);
    if (error) throw new Error(`${name} failed: ${JSON.stringify(error)}`);
    return value;
  }

  state(): Promise<ShownState> {
    return this.page.locator('#state').evaluate(({ dataset }: HTMLElement) => ({
      status: dataset.status ?? '',
      user: dataset.user ?? '',
      session: dataset.session ?? '',
      generation: dataset.generation ? Number(dataset.generation) : null,
    }));
  }

  /** The reasons that `onSignedOut` was called with. */
  signOuts(): Promise<string[]> {
    return this.page.locator('#signed-out li').allTextContents();
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

  private async answerTo(id: string): Promise<Outcome> {
    const text = await this.page.locator(`#answer-${id}`).textContent({ timeout: WITHIN_MS });
    return JSON.parse(text ?? '') as Outcome;
  }
}

/** Waits for the condition, as long as it takes on a busy machine. */
export async function eventually(isMet: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const deadline = Date.now() + WITHIN_MS;
  while (!(await isMet())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what()}`);
    await delay(20);
  }
}
