/** What `ending` resolves to, or `late` where that takes longer than `ms`; it goes on then. No timer is left behind. */
export function within<Result>(ms: number, ending: Promise<Result>): Promise<Result | undefined>;
export function within<Result>(ms: number, ending: Promise<Result>, late: Result): Promise<Result>;
export function within<Result>(ms: number, ending: Promise<Result>, late?: Result): Promise<Result | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms, late);
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
