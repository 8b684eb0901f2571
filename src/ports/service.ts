/** How the supervisor above a role, systemd where there is one, hears of it. */
export interface Service {
  /** The role does its work from here on. Said once, however often it is called. */
  ready(): void;
  /**
   * A useful cycle has come to its end: an answer, or a failure that the role knows how to bear. A supervisor that hears
   * nothing of the kind for too long ends the role and starts it again, so no timer may call this. What a useful cycle is
   * says each role where it calls this.
   */
  worked(): void;
  /** How the role is, in one line for whoever asks the supervisor. Told when it changes; no secret may be in it. */
  status(text: string): void;
}

/** Nobody is above the role. Like every other, it never throws and never waits. */
export const UNSUPERVISED: Service = { ready: () => undefined, worked: () => undefined, status: () => undefined };
