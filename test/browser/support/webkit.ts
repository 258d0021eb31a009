import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Builder, Capabilities, type WebDriver } from 'selenium-webdriver';
import { freePort } from '../../support/free-port.js';
import { type Engine, type EnginePage, findExecutable, type Profile, type Requirement } from './engine.js';
import { eventually } from './tab.js';

/** Safari's engine, as WebKitGTK provides it. It needs a screen, so there is a virtual one. */
export const WEBKIT: Requirement = {
  name: 'WebKit',
  find: findWebKit,
  advice: 'install webkit2gtk-driver and xvfb',
};

function findWebKit(): { readonly driver: string; readonly screen: string } | null {
  const driver = findExecutable(['WebKitWebDriver']);
  const screen = findExecutable(['Xvfb']);
  return driver && screen ? { driver, screen } : null;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export async function launchWebKit(): Promise<Engine> {
  const programs = findWebKit();
  if (!programs) throw new Error(`no WebKit on this machine; ${WEBKIT.advice}`);
  const screen = run(programs.screen, [
    '-displayfd',
    '3',
    '-screen',
    '0',
    '1280x1024x24',
    '-nolisten',
    'tcp',
  ]);
  const lines = createInterface({ input: screen.stdio[3] as Readable });
  const [display] = (await once(lines, 'line')) as [string];
  return {
    newContext: () => WebKitProfile.open(programs.driver, display),
    close: () => ended(screen),
  };
}

/** Each profile starts its own browser, because the driver supports one session. */
class WebKitProfile implements Profile {
  /** Commands act on the page in front, so they run one after the other. */
  private turn: Promise<unknown> = Promise.resolve();
  private isFirst = true;

  private constructor(
    private readonly process: ChildProcess,
    private readonly driver: WebDriver,
  ) {}

  static async open(driver: string, display: string): Promise<WebKitProfile> {
    const port = await freePort();
    const child = run(driver, ['--host=127.0.0.1', `--port=${port}`], { DISPLAY: `:${display}` });
    try {
      const server = `http://127.0.0.1:${port}`;
      await eventually(
        async () => (await fetch(`${server}/status`).catch(() => null))?.ok === true,
        () => 'the driver of WebKit listens',
      );
      // The driver knows its own browser.
      const session = await new Builder()
        .usingServer(server)
        .withCapabilities(new Capabilities({ browserName: 'MiniBrowser' }))
        .build();
      return new WebKitProfile(child, session);
    } catch (error) {
      await ended(child);
      throw error;
    }
  }

  async newPage(): Promise<EnginePage> {
    const handle = await this.inTurn(async () => {
      if (!this.isFirst) await this.driver.switchTo().newWindow('tab');
      this.isFirst = false;
      return this.driver.getWindowHandle();
    });
    const inPage = <Result>(work: () => Promise<Result>): Promise<Result> =>
      this.inTurn(async () => {
        await this.driver.switchTo().window(handle);
        return work();
      });
    return {
      goto: (url) => inPage(() => this.driver.get(url)),
      evaluate: <Result>(script: unknown, argument?: unknown) =>
        inPage(() => this.driver.executeScript<Result>(`return (${String(script)})(arguments[0])`, argument)),
      reload: () => inPage(() => this.driver.navigate().refresh()),
      goBack: () => inPage(() => this.driver.navigate().back()),
      close: () => inPage(() => this.driver.close()),
    };
  }

  cookies() {
    return this.inTurn(() => this.driver.manage().getCookies());
  }

  async close(): Promise<void> {
    await this.inTurn(() => this.driver.quit());
    await ended(this.process);
  }

  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }
}

/** The fourth stream reports the display number. */
function run(command: string, parameters: string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(command, parameters, {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
