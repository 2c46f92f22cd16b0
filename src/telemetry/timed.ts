import { reasonOf } from "../reason.ts";
import type { Originals } from "../store/originals.ts";
import type { Records } from "../store/records.ts";
import type { Turns } from "../store/turns.ts";

/** Hears of every verb that ended, and what kept the store from answering. */
export type Answered = (verb: string, trouble: string | undefined, seconds: number) => void;

function timing<Answer>(verb: string, asked: Promise<Answer>, told: Answered): Promise<Answer> {
  const askedAt = performance.now();
  const tell = (trouble: string | undefined): void => told(verb, trouble, (performance.now() - askedAt) / 1_000);
  asked.then(
    () => tell(undefined),
    (error: unknown) => tell(reasonOf(error)),
  );
  return asked;
}

/** The same records, with every verb timed. */
export function timed(records: Records, told: Answered): Records {
  return {
    time: (name) => records.time(name),
    claim: (...args) => timing("claim", records.claim(...args), told),
    begin: (...args) => timing("begin", records.begin(...args), told),
    renew: (...args) => timing("renew", records.renew(...args), told),
    complete: (...args) => timing("complete", records.complete(...args), told),
    release: (...args) => timing("release", records.release(...args), told),
    hold: (...args) => timing("hold", records.hold(...args), told),
    revoke: (...args) => timing("revoke", records.revoke(...args), told),
    look: (...args) => timing("look", records.look(...args), told),
    resolve: (...args) => timing("resolve", records.resolve(...args), told),
    list: (...args) => timing("list", records.list(...args), told),
    find: (...args) => timing("find", records.find(...args), told),
    names: () => timing("names", records.names(), told),
    read: (...args) => timing("read", records.read(...args), told),
    countUnknown: () => timing("countUnknown", records.countUnknown(), told),
  };
}

export function timedTurns(turns: Turns, told: Answered): Turns {
  return {
    time: (document) => turns.time(document),
    enter: (...args) => timing("enter", turns.enter(...args), told),
    renew: (...args) => timing("renewTurn", turns.renew(...args), told),
    leave: (...args) => timing("leave", turns.leave(...args), told),
  };
}

export function timedOriginals(originals: Originals, told: Answered): Originals {
  return {
    stand: (...args) => timing("stand", originals.stand(...args), told),
    keep: (...args) => timing("keep", originals.keep(...args), told),
  };
}
