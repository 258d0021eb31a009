/** Methods that Nest calls on providers. */
const LIFECYCLE_HOOKS: ReadonlySet<string | symbol> = new Set([
  'onModuleInit',
  'onApplicationBootstrap',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
]);

/**
 * An object of the host without its lifecycle hooks: if the host provides it in a module, Nest already calls them there.
 */
export function hostProvided<T extends object>(instance: T): T {
  return new Proxy(instance, {
    get(target, name) {
      if (LIFECYCLE_HOOKS.has(name)) return undefined;
      const member: unknown = Reflect.get(target, name, target);
      // Bound to the object itself, because a proxy cannot reach private fields.
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
