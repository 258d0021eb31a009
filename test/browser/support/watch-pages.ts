import type { BrowserContext } from 'playwright-core';

/** The browser's own console messages about refused or lost answers, which tests cause on purpose. */
const NETWORK_NEWS = /^Failed to load resource/;

/** What the pages of a context have done so far. */
export interface Watched {
  /** Uncaught errors, and the errors and warnings in the console. */
  readonly complaints: string[];
  /** Every URL that was requested. */
  readonly urls: string[];
}

/** Watches every page that is opened from now on. */
export function watchPages(context: BrowserContext): Watched {
  const watched: Watched = { complaints: [], urls: [] };
  context.on('page', (opened) => {
    opened.on('pageerror', (error) => watched.complaints.push(error.message));
    opened.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !NETWORK_NEWS.test(message.text()))
        watched.complaints.push(message.text());
    });
    opened.on('request', (request) => watched.urls.push(request.url()));
  });
  return watched;
}
