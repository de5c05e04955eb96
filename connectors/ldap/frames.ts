/**
 * ldap/frames - octets of a connection to whole LDAP messages (RFC 4511 §5.1), in bounds.
 *
 * ldapts copies what it has of a message for each piece that comes, calls itself once for every message in a piece, and
 * sets no limit: a server could end the process by many small messages, or stop it by one that is large. So it
 * is given one whole message at a time.
 */

/** Octets of one message: a group of half a million members. */
const longestMessage = 64 << 20;
/** A tag, a length of one octet and four more. */
const longestHead = 6;
const sequence = 0x30;

export class MessageFrames {
  #pieces: Buffer[] = [];
  #held = 0;
  /** Octets without which nothing more can be said. */
  #needed = 2;

  /** No octets wait for the rest of their message. */
  get isEmpty(): boolean {
    return this.#held === 0;
  }

  /** The messages that are whole by now. Throws where the octets are no LDAP, or a message is too long. */
  push(data: Buffer): readonly Buffer[] {
    this.#pieces.push(data);
    this.#held += data.length;
    if (this.#held < this.#needed) return [];
    const octets = this.#pieces.length === 1 ? data : Buffer.concat(this.#pieces);
    const messages: Buffer[] = [];
    let from = 0;
    for (;;) {
      this.#needed = lengthOf(octets.subarray(from, from + longestHead));
      if (octets.length - from < this.#needed) break;
      messages.push(octets.subarray(from, from + this.#needed));
      from += this.#needed;
    }
    this.#pieces = from === octets.length ? [] : [octets.subarray(from)];
    this.#held = octets.length - from;
    return messages;
  }
}

/** Of the whole message that begins so; of what is needed to tell, where that is not there yet. */
function lengthOf(head: Buffer): number {
  if (head.length > 0 && head[0] !== sequence) throw new Error('the server does not speak LDAP');
  if (head.length < 2) return 2;
  const first = head.readUInt8(1);
  if (first < 0x80) return 2 + first;
  const octets = first & 0x7f;
  if (octets === 0 || octets > 4) throw new Error('the server does not speak LDAP');
  if (head.length < 2 + octets) return 2 + octets;
  const length = head.readUIntBE(2, octets);
  if (length > longestMessage) {
    throw new Error(`the server sends a message of ${length} octets; ${longestMessage} are taken at most`);
  }
  return 2 + octets + length;
}
