/** What Passport asks of a strategy, and the methods through which one reports (https://www.passportjs.org/concepts/authentication/strategies/). */
interface PassportStrategyContract {
  authenticate(request: object, options?: object): void;
}

interface PassportReport {
  success(user: unknown): void;
  fail(challenge?: unknown): void;
  error(error: unknown): void;
}

/**
 * Asks a Passport strategy about a request. On an object of its own, because strategies report through methods set on
 * `this`, and a shared one would mix up concurrent requests; by instance rather than through Passport's registry of
 * names, so that two applications in one process do not take each other's keys.
 * @throws what the strategy failed or erred with
 */
export function attempt<T>(strategy: object, request: object): Promise<T> {
  return new Promise((resolve, reject) => {
    const report: PassportReport = {
      success: (user) => resolve(user as T),
      fail: (challenge) => reject(toError(challenge)),
      error: (error) => reject(toError(error)),
    };
    const own = Object.assign(Object.create(strategy) as PassportStrategyContract, report);
    own.authenticate(request, {});
  });
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
