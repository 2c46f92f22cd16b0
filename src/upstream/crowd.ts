/** Members that come and go by the thousand. An array, for what a busy Set keeps (under-way.ts). */
export class Crowd<Member extends { place: number }> {
  readonly #members: Member[] = [];

  add(member: Member): void {
    member.place = this.#members.push(member) - 1;
  }

  /** False where it is no member any more. */
  remove(member: Member): boolean {
    if (this.#members[member.place] !== member) return false;
    const last = this.#members.pop()!;
    if (last === member) return true;
    this.#members[member.place] = last;
    last.place = member.place;
    return true;
  }

  /** As they are now. */
  all(): Member[] {
    return [...this.#members];
  }
}
