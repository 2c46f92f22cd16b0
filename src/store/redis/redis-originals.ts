import type { Original } from "../../domain/original.ts";
import type { Continuity } from "../continuity.ts";
import type { Originals } from "../originals.ts";
import { WITNESS_MS } from "../witness.ts";
import { countKey, indexKey, markKey, originalKey, PARTITIONS, partitionOf, toBytes } from "./layout.ts";
import { KEEP, STAND } from "./scripts.ts";
import type { Servers } from "./servers.ts";

const OWNER_BYTES = 16;

/** Each verb is one script on one likeness, and one round trip. `process`: as RedisRecords has it. */
export function redisOriginals(servers: Servers, continuity: Continuity, process: string): Originals {
  return {
    async stand(likeness, { own, instead }, keepMs) {
      const partition = partitionOf(likeness);
      const pass = continuity.pass(PARTITIONS.indexOf(partition));
      const keys = [
        originalKey(likeness),
        indexKey(partition),
        markKey(partition),
        countKey(partition, process),
      ] as const;
      const args = [packed(own), instead === undefined ? "" : packed(instead), keepMs];
      const { answer, value } = await servers.run(STAND, keys, [...args, pass.mark, pass.count, WITNESS_MS]);
      if (value === undefined) return { kind: continuity.refused(pass) };
      switch (answer) {
        case "stands":
          continuity.acknowledged(pass, Number(value.toString()));
          return { kind: answer };
        case "taken":
          return { kind: answer, by: unpacked(value) };
        case "store_lost":
          return { kind: continuity.refused(pass) };
      }
    },
    async keep(likeness, own, keepMs) {
      await servers.run(KEEP, [originalKey(likeness)], [packed(own), keepMs]);
    },
  };
}

const packed = ({ owner, name }: Original): Buffer => Buffer.concat([toBytes(owner), Buffer.from(name, "latin1")]);

const unpacked = (value: Buffer): Original => ({
  owner: value.toString("base64url", 0, OWNER_BYTES),
  name: value.toString("latin1", OWNER_BYTES),
});
