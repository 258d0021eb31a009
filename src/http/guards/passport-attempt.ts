/** Passport's interface of a strategy (https://www.passportjs.org/concepts/authentication/strategies/). */
interface PassportStrategyContract {
  authenticate(request: object, options?: object): void;
}

interface PassportReport {
  success(user: unknown): void;
  fail(challenge?: unknown): void;
  error(error: unknown): void;
}

/**
 * Runs a Passport strategy for a request. Each call uses its own object, because strategies report through methods on
 * `this`, and a shared one would mix up concurrent requests. It takes an instance instead of a name in Passport's registry,
 * so that two applications in one process do not use each other's keys.
 * @throws the failure or error that the strategy reported
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
