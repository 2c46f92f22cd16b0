/** The call that was made, to be made at the right moment. */
export type Call = () => unknown;

/** Puts `around` in the place of a method; it gets the call and its arguments. */
export function wrap<Class extends object>(
  prototype: Class,
  name: keyof Class & string,
  around: (call: Call, ...args: unknown[]) => unknown,
): void {
  const method = prototype[name] as (...args: unknown[]) => unknown;
  Object.assign(prototype, {
    [name](this: Class, ...args: unknown[]) {
      return around(() => method.apply(this, args), ...args);
    },
  });
}
