/** What `ending` resolves to, or undefined where that takes longer than `ms`; it goes on then. No timer is left behind. */
export function within<Result>(ms: number, ending: Promise<Result>): Promise<Result | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms, undefined);
    ending.then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
