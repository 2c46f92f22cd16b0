import { afterEach, expect, jest, test } from "@jest/globals";
import { Command } from "ioredis";
import { CompactCommand } from "../../src/store/redis/compact-command.ts";

const BYTES = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const ARGUMENTS: [string, (string | number | Buffer)[]][] = [
  ["none", []],
  ["text, numbers and bytes", ["a", 12, 1.5, "", BYTES, Buffer.alloc(0), "\r\n$3\r\n"]],
  ["text that is not ASCII", ["ä", "€", BYTES]],
  ["text that is not Unicode", ["\ud800", BYTES]],
  ["bytes of any length", [Buffer.alloc(4_096, 0xff), Buffer.alloc(4_097, 0xfe), Buffer.alloc(1_000_000, 0xfd), "end"]],
  ["text of any length", ["x".repeat(4_096), "x".repeat(4_097), "ä".repeat(4_097), BYTES, "x".repeat(10_000)]],
  ["much of little", Array.from({ length: 1_000 }, (_, i) => `${i}`)],
];

function commandOf(args: (string | number | Buffer)[], limitMs = 60_000): CompactCommand {
  const command = new CompactCommand("EVALSHA", args, limitMs);
  command.promise.catch(() => {});
  ending.push(() => command.reject(new Error("the test is over")));
  return command;
}

const ending: (() => void)[] = [];
afterEach(() => {
  for (const end of ending.splice(0)) end();
});

test.each(ARGUMENTS)("sends the same bytes as ioredis: %s", (_what, args) => {
  const usual = new Command("EVALSHA", [...args]);
  const sent = commandOf(args).toWritable();
  expect(sent.equals(Buffer.from(usual.toWritable({})))).toBe(true);
});

test("is given up where no reply comes in time", async () => {
  await expect(commandOf([], 1).promise).rejects.toThrow("Command timed out");
});

const ENDS: [string, (command: CompactCommand) => unknown][] = [
  ["a reply", (command) => command.resolve(Buffer.from("OK"))],
  ["an error", (command) => command.reject(new Error("lost"))],
  ["its limit", () => jest.advanceTimersByTime(1_000)],
];
test.each(ENDS)("leaves no timer behind after %s", async (_what, end) => {
  jest.useFakeTimers();
  try {
    const command = commandOf([], 1_000);
    expect(jest.getTimerCount()).toBe(1);
    end(command);
    expect(jest.getTimerCount()).toBe(0);
    await command.promise.catch(() => {});
  } finally {
    jest.useRealTimers();
  }
});
