import type { BrowserContext } from 'playwright-core';

/** What a browser itself says of answers that were refused or lost, as tests want them to be. */
const NETWORK_NEWS = /^Failed to load resource/;

/** What the pages of a context do, as it goes on. */
export interface Watched {
  /** Errors that nobody caught, and what the console holds of errors and warnings. */
  readonly complaints: string[];
  /** Every URL that was asked for. */
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
