import { reasonOf } from "../../reason.ts";

/** The store's file cannot be used as it is. The message is for an operator and names the file. */
export class FileRefused extends Error {
  override readonly name = "FileRefused";
}

/** Primary result codes (sqlite.org/rescode.html); the rest speaks for itself. */
const BUSY = 5;
const FULL = 13;
const WORDS: Record<number, string> = {
  [BUSY]: "another process holds its lock",
  8: "it is read-only",
  10: "the disk reports an error",
  11: "its content is damaged: restore a backup or move it away",
  [FULL]: "the disk is full",
  14: "it cannot be opened or created (does the folder exist, and may this user write there?)",
  26: "it is not an SQLite database",
};

/** What went wrong with the file, in words. SQLite's own messages never carry values that were bound. */
export function inWords(error: unknown, file: string): string {
  if (error instanceof FileRefused) return error.message;
  const words = WORDS[primaryCode(error) ?? 0];
  const message = reasonOf(error);
  return `SQLite file ${file}: ${words === undefined ? message : `${words} (${message})`}`;
}

export function isBusy(error: unknown): boolean {
  return primaryCode(error) === BUSY;
}

export function isFull(error: unknown): boolean {
  return primaryCode(error) === FULL;
}

/** The transaction may be gone with it. */
export function isOfSqlite(error: unknown): boolean {
  return primaryCode(error) !== undefined;
}

/** node:sqlite reports extended codes, whose low byte is the primary one. */
function primaryCode(error: unknown): number | undefined {
  if (!Error.isError(error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff;
}
