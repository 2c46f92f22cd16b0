import { Command } from "ioredis";

/** Of one argument and of all: what is longer is copied once, as ioredis does it. */
const SHORT = 4_096;

/**
 * A command whose reply has its strings as Buffers, and is waited for `limitMs`. It leaves as one text where it is short: ioredis makes a
 * piece of each argument and of what stands around it, and measures each of them twice, which was a tenth of a replay. Its own
 * limit deletes a property of each command, which costs V8 two microseconds.
 */
export class CompactCommand extends Command {
  constructor(name: string, args: readonly (string | number | Buffer)[], limitMs: number) {
    super(name, [...args], { replyEncoding: null });
    const { resolve, reject } = this;
    const late = setTimeout(() => reject(new Error("Command timed out")), limitMs);
    this.resolve = (reply) => {
      clearTimeout(late);
      resolve(reply);
    };
    this.reject = (error) => {
      clearTimeout(late);
      reject(error);
    };
  }

  override toWritable(socket: object): string | Buffer {
    let text = `*${this.args.length + 1}\r\n$${this.name.length}\r\n${this.name}\r\n`;
    for (const arg of this.args) {
      const bytes = latin1Of(arg);
      if (bytes === undefined || text.length > SHORT) return super.toWritable(socket);
      text += `$${bytes.length}\r\n${bytes}\r\n`;
    }
    return Buffer.from(text, "latin1");
  }
}

/** The argument with a character for each byte, where that is short, and where the text has but such characters. */
function latin1Of(arg: unknown): string | undefined {
  if (Buffer.isBuffer(arg)) return arg.length > SHORT ? undefined : arg.toString("latin1");
  if (typeof arg !== "string" || arg.length > SHORT) return undefined;
  return Buffer.byteLength(arg) === arg.length ? arg : undefined;
}
