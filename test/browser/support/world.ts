import type { BrowserContextOptions } from 'playwright-core';
import { databaseUri } from '../../support/database.js';
import { COOKIE, PASSWORD, uniqueEmail } from '../../support/http.js';
import { type Environment, Service } from '../../support/service.js';
import { claimsOf } from '../../support/tokens.js';
import { launchChromium } from './chromium.js';
import type { Engine } from './engine.js';
import { Gateway } from './gateway.js';
import { type Kind, type Playwright, Tab } from './tab.js';

/** A service, the gateway before it, and a browser. One for each test file; each test has its own users and cookies. */
export class World<Of extends Kind = Playwright> {
  private readonly contexts: Of['context'][] = [];
  private readonly instances: Service[] = [];

  private constructor(
    readonly service: Service,
    readonly gateway: Gateway,
    private readonly browser: Engine<Of['context']>,
  ) {}

  static open(environment: Environment = {}, launch = launchChromium): Promise<World> {
    return World.openIn<Playwright>(launch, environment);
  }

  /** The same, in any browser. */
  static async openIn<Of extends Kind>(
    launch: () => Promise<Engine<Of['context']>>,
    environment: Environment = {},
  ): Promise<World<Of>> {
    const gateway = await Gateway.open();
    const settings = { MONGODB_URI: databaseUri('browser'), ...environment };
    const [service, browser] = await Promise.all([Service.start(settings), launch()]);
    gateway.leadTo(service.origin);
    return new World<Of>(service, gateway, browser);
  }

  /** Another instance of the service, on the same database unless `environment` says otherwise. */
  async instance(environment: Environment, execArgv: readonly string[] = []): Promise<Service> {
    const settings = { ...this.service.settings, DATA_DIR: undefined, ...environment };
    const service = await Service.start(settings, execArgv);
    this.instances.push(service);
    return service;
  }

  /** A device: its own cookies and storage, shared by its tabs. */
  async device(options: BrowserContextOptions = {}): Promise<Device<Of>> {
    const context = await this.browser.newContext(options);
    this.contexts.push(context);
    return new Device<Of>(context, this.gateway);
  }

  /** Call after each test. */
  async tidy(): Promise<void> {
    await Promise.all(this.contexts.splice(0).map((context) => context.close()));
    this.gateway.reset();
    this.gateway.leadTo(this.service.origin);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await Promise.all([this.service, ...this.instances].map((service) => service.dispose()));
    await this.gateway.close();
  }
}

export class Device<Of extends Kind = Playwright> {
  constructor(
    readonly context: Of['context'],
    private readonly gateway: Gateway,
  ) {}

  tab(query = ''): Promise<Tab<Of>> {
    return this.open(`${this.gateway.origin}/${query}`);
  }

  open(url: string): Promise<Tab<Of>> {
    return Tab.open<Of>(this.context, url);
  }

  tabs(count: number, query = ''): Promise<Tab<Of>[]> {
    return Promise.all(Array.from({ length: count }, () => this.tab(query)));
  }

  /** Tabs with a new user signed in, and the counters reset. */
  async signedIn(count: number, query = ''): Promise<[Tab<Of>, ...Tab<Of>[]]> {
    const first = await this.tab(query);
    await first.do('register', { email: uniqueEmail(), password: PASSWORD });
    const others = await this.tabs(count - 1, query);
    this.gateway.requests.length = 0;
    return [first, ...others];
  }

  /** The refresh token from the cookie jar, which scripts cannot read. */
  async refreshToken(): Promise<string | null> {
    const cookies = await this.context.cookies();
    return cookies.find(({ name }) => name === COOKIE)?.value ?? null;
  }

  /** The generation of the refresh token in the cookie jar; `null` if there is none. */
  async cookieGeneration(): Promise<number | null> {
    const token = await this.refreshToken();
    return token === null ? null : claimsOf(token).gen;
  }
}
