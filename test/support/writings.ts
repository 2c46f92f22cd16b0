/** The ways in which a text can stand in bytes: as it is, in UTF-16, hexadecimal, percent escapes and base64 at each alignment. */
function writings(secret: string | Buffer): Buffer[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString("hex");
  const base64 = [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const own = text.slice(Math.ceil((shift * 4) / 3), -2); // without what neighbours would change
    return [own, own.replaceAll("+", "-").replaceAll("/", "_")];
  });
  const utf16 = Buffer.from(bytes.toString("latin1"), "utf16le");
  const texts = [hex, hex.toUpperCase(), hex.replaceAll(/../g, "%$&"), hex.toUpperCase().replaceAll(/../g, "%$&")];
  return [bytes, utf16, Buffer.from(utf16).swap16(), ...[...texts, ...base64].map((text) => Buffer.from(text))];
}

/** Whether the secret stands anywhere in `held`, in whatever writing. */
export function holds(held: Buffer, secret: string | Buffer): boolean {
  return writings(secret).some((writing) => held.includes(writing));
}
