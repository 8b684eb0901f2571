import { fstatSync } from "node:fs";

/**
 * Whether what is written to `fd` goes to the journal: `JOURNAL_STREAM` names device and inode of the stream that systemd has
 * connected (systemd.exec(5)). That the variable is there says nothing: a shell in a service hands it on to whatever it
 * starts, and redirects that.
 */
export function isJournalStream(stream: string | undefined, fd: number): boolean {
  if (stream === undefined || stream === "") return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    // It is closed.
    return false;
  }
}
