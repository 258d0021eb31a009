import Bowser from 'bowser';

const MAX_LENGTH = 160;

/** A browser in a word or two, and what it sent; null where that says no more. */
export function describeAgent(userAgent: string | null): {
  readonly short: string;
  readonly long: string | null;
} {
  if (userAgent === null || userAgent === '') return { short: 'no user agent', long: null };
  const sent = userAgent.length > MAX_LENGTH ? `${userAgent.slice(0, MAX_LENGTH)}…` : userAgent;
  const { browser, os } = Bowser.parse(userAgent);
  if (!browser.name) return { short: sent, long: null };
  const version = browser.version?.split('.', 1)[0];
  const name = version ? `${browser.name} ${version}` : browser.name;
  return { short: os.name ? `${name} on ${os.name}` : name, long: sent };
}
