import { expect, test } from "@jest/globals";
import { Command } from "ioredis";
import { CompactCommand } from "../../src/store/redis/compact-command.ts";

const BYTES = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const ARGUMENTS: [string, (string | number | Buffer)[]][] = [
  ["none", []],
  ["text, numbers and bytes", ["a", 12, 1.5, "", BYTES, Buffer.alloc(0), "\r\n$3\r\n"]],
  ["text that is not ASCII", ["ä", "€", BYTES]],
  ["text that is not Unicode", ["\ud800", BYTES]],
  ["bytes of any length", [Buffer.alloc(4_096, 0xff), Buffer.alloc(4_097, 0xfe), Buffer.alloc(1_000_000, 0xfd), "end"]],
  ["much of little", Array.from({ length: 1_000 }, (_, i) => `${i}`)],
];

test.each(ARGUMENTS)("sends the same bytes as ioredis: %s", (_what, args) => {
  const usual = new Command("EVALSHA", [...args]);
  const sent = Buffer.from(new CompactCommand("EVALSHA", args).toWritable({}));
  expect(sent.equals(Buffer.from(usual.toWritable({})))).toBe(true);
});
