import type { DoctorFacts } from './facts.js';
import type { Observation } from './finding.js';

const PATH = 'refreshToken.cookie.path';

/** RFC 6265 §5.1.4: a browser sends the cookie to its path and below. */
export function cookiePath(facts: DoctorFacts): Observation[] {
  const { path } = facts.options.refreshToken.cookie;
  const route = facts.host.refreshPaths.find((refresh) => !isSentTo(refresh, facts));
  if (route === undefined) return [];
  const only = `browsers send the cookie only to '${path}' and below, but refresh is served at '${route}' (including global prefix and version)`;
  const fix = `leave the path out ('/', which also keeps the __Host- prefix), or set it to '${parentOf(route)}'`;
  // A path without a common segment may be a prefix that a proxy removes.
  return segmentsOf(path).some((segment) => segmentsOf(route).includes(segment))
    ? [
        {
          code: 'cookie.path',
          subject: PATH,
          message: `${only}: it never arrives, and every user is logged out at the first refresh`,
          fix,
        },
      ]
    : [
        {
          code: 'cookie.path-prefix',
          subject: PATH,
          message: `${only}: unless a proxy removes '${path}' first, it never arrives, and every user is logged out at the first refresh`,
          fix: `${fix}; with such a proxy, put '${path}' in front of that path, or include it in the issuer`,
        },
      ];
}

/** A logout without a token succeeds, so nobody notices that it ended no session. */
export function logoutPath(facts: DoctorFacts): Observation[] {
  const { path } = facts.options.refreshToken.cookie;
  const isMissed = facts.host.refreshPaths.some(
    (refresh) => isSentTo(refresh, facts) && !isSentTo(refresh.replace(/refresh$/, 'logout'), facts),
  );
  if (!isMissed) return [];
  return [
    {
      code: 'cookie.path-logout',
      subject: PATH,
      message: `browsers send the cookie only to '${path}' and below, but not to logout: without an access token, for example after a page load, logout answers 204 and the session stays alive`,
      fix: `leave the path out ('/', which also keeps the __Host- prefix), or set it to '${parentOf(path)}'`,
    },
  ];
}

function isSentTo(route: string, { options }: DoctorFacts): boolean {
  const { path } = options.refreshToken.cookie;
  const outside = new URL(options.issuer).pathname.replace(/\/$/, '');
  return (
    isUnder(route, path) ||
    // A proxy may remove a prefix. Then the path is longer than the route, and its end matches the start of the route.
    isUnder(outside + route, path) ||
    strippedPrefixes(path).some((rest) => isUnder(route, rest))
  );
}

function isUnder(route: string, path: string): boolean {
  return route === path || route.startsWith(path.endsWith('/') ? path : `${path}/`);
}

/** `/a/b/c` gives `/b/c` and `/c`. */
function strippedPrefixes(path: string): string[] {
  const segments = segmentsOf(path);
  return segments.slice(1).map((_, index) => `/${segments.slice(index + 1).join('/')}`);
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

function parentOf(path: string): string {
  return `/${segmentsOf(path).slice(0, -1).join('/')}`;
}
