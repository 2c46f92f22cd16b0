import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { LONGEST_CLAIM } from "../../domain/claim.ts";
import { LONGEST_LEASE } from "../../domain/record.ts";

/**
 * One Lua file, and every answer that it can give, besides UNREADABLE. Each replies { answer, Redis's clock in ms, value where it has
 * one }.
 */
export type Script<Answer extends string> = {
  text: string;
  sha: string;
  answers: readonly Answer[];
  /**
   * With these it wrote what a failover must not lose: what permits sending, the upstream's answer, and that nothing was sent
   * (without it the key would be unknown for good), or says that another's record stands instead, which may have to last as well.
   */
  lasting: readonly Answer[];
};

/** Another version of Oncegate wrote the record: nothing is known of it, and nothing was written (lua/record.lua). */
export const UNREADABLE = "unreadable";

export const CLAIM = starting(
  "claim",
  ["claimed", "yours", "in_flight", "completed", "unknown", "mismatch", "too_late", "store_lost"],
  ["claimed", "yours"],
);
export const BEGIN = starting("begin", ["begun", "lost", "store_lost"], ["begun"]);
export const RENEW = verb("renew", ["renewed", "lost"]);
export const COMPLETE = verb("complete", ["completed", "recreated", "refused"], ["completed", "recreated"]);
export const RELEASE = verb("release", ["released", "refused"], ["released", "refused"]);
export const HOLD = verb("hold", ["held", "refused"]);
export const REVOKE = verb("revoke", ["revoked"], ["revoked"]);
export const LOOK = verb("look", ["looked", "refused"]);
export const RESOLVE = verb("resolve", ["resolved", "absent", "refused"], ["resolved"]);
export const READ = verb("read", ["absent", "found"]);
export const ENTER = script("enter", ["held", "waiting", "lapsed", "deleting", "too_late"], ["held"], lua("turn"));
export const RENEW_TURN = script("renew-turn", ["renewed", "lost"], [], lua("turn"));
export const LEAVE = script("leave", ["left"], [], lua("turn"));
export const STAND = script("stand", ["stands", "taken", "store_lost"], ["stands"], lua("continuity"));
export const KEEP = script("keep", ["kept"], [], "");
export const LIST = script("list", ["listed"], [], "");
export const EXPIRE_UNKNOWN = script("expire-unknown", ["swept"], [], lua("record-format"));
export const COUNT_UNKNOWN = script("count-unknown", ["counted"], [], "");
export const REPLACE_NAME_SECRET = script("replace-name-secret", ["replaced", "kept"], ["replaced"], "");
export const REPLACE_MARK = script("replace-mark", ["replaced", "kept"], ["replaced"], "");
export const PROBE = script("probe", ["ready"], [], "");

/** What may let an operation start. */
function starting<const Answer extends string>(
  name: string,
  answers: readonly Answer[],
  lasting: readonly NoInfer<Answer>[],
): Script<Answer> {
  return script(name, answers, lasting, lua("record-format") + lua("record") + lua("continuity"));
}

function verb<const Answer extends string>(
  name: string,
  answers: readonly Answer[],
  lasting: readonly NoInfer<Answer>[] = [],
): Script<Answer> {
  return script(name, answers, lasting, lua("record-format") + lua("record"));
}

/** Redis wants `#!lua` and its flags first; what is shared stands behind that line. */
function script<const Answer extends string>(
  name: string,
  answers: readonly Answer[],
  lasting: readonly NoInfer<Answer>[],
  shared: string,
): Script<Answer> {
  const source = lua(name);
  const firstLine = source.indexOf("\n") + 1;
  const constants = `local LONGEST_LEASE, LONGEST_CLAIM = ${LONGEST_LEASE}, ${LONGEST_CLAIM}\n`;
  const text = source.slice(0, firstLine) + constants + shared + source.slice(firstLine);
  return { text, sha: createHash("sha1").update(text).digest("hex"), answers, lasting };
}

function lua(name: string): string {
  return readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), "utf8");
}
