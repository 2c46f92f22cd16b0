/** What went wrong, for a message or the log. */
export function reasonOf(error: unknown): string {
  return Error.isError(error) ? error.message : String(error);
}
