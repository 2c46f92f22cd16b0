/**
 * A name stands twice in one object of a JSON text, `value` being what it was parsed to. Which of the two counts is every reader's own
 * affair (RFC 8259, section 4): the text then has more names than the value has members.
 */
export function hasRepeatedName(text: string, value: unknown): boolean {
  return namesIn(text) > membersOf(value);
}

/** Of a text that is JSON: the strings with a colon behind them. */
function namesIn(text: string): number {
  let names = 0;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at)) {
    at = endOfString(text, at);
    while (text.charCodeAt(at) <= 32) at++;
    if (text[at] === ":") names++;
  }
  return names;
}

/** Behind the quote that closes the string which `begin` opens. */
function endOfString(text: string, begin: number): number {
  let end = text.indexOf('"', begin + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === "\\") before--;
  return (at - before) % 2 === 0;
}

/** Not by recursion: JSON.parse reads what is nested deeper than a stack. */
function membersOf(value: unknown): number {
  let members = 0;
  const rest = [value];
  while (rest.length > 0) {
    const one = rest.pop();
    if (typeof one !== "object" || one === null) continue;
    const inside: unknown[] = Object.values(one);
    if (!Array.isArray(one)) members += inside.length;
    for (const each of inside) rest.push(each);
  }
  return members;
}
