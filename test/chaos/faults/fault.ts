import type { Calm } from "../calm.ts";
import type { Dice } from "../dice.ts";
import type { History } from "../history.ts";
import type { Post, Site } from "../site.ts";

/** Who strikes: lanes go on at the same time, the faults of one lane one after the other. Each gateway has a lane of its own. */
type Lane = "gateway" | "wire" | "store" | "loss" | "upstream" | "clock";

/**
 * Where a fault may strike. `post`: the gateway whose turn it is, for those lanes that hit one. `calm`: what strikes at gateways and
 * their lines is among many, and a fault that those must not meet is alone.
 */
export type Scene = { site: Site; post: Post; dice: Dice; history: History; calm: Calm };

export type Fault = {
  kind: string;
  lane: Lane;
  /** Injects it and notes it in the history; when it resolves, the fault is over and everything of it healed. */
  strike(scene: Scene): Promise<void>;
};
