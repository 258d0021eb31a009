/** What Nest calls on providers by itself. */
const LIFECYCLE_HOOKS: ReadonlySet<string | symbol> = new Set([
  'onModuleInit',
  'onApplicationBootstrap',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
]);

/**
 * An object that the host handed in, without its lifecycle hooks: where it is a provider of the host, the host's module
 * has them called already.
 */
export function hostProvided<T extends object>(instance: T): T {
  return new Proxy(instance, {
    get(target, name) {
      if (LIFECYCLE_HOOKS.has(name)) return undefined;
      const member: unknown = Reflect.get(target, name, target);
      // Bound to the object itself, whose private fields no proxy can reach.
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
