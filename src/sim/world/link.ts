/** The way between two machines: what is asked on one of them and answered on the other, or lost in between. */

import { known, type Reading, unknown } from "../../core/reading.ts";
import { after, type Instant } from "../../core/time.ts";
import type { VirtualClock } from "../clock.ts";
import type { Draw } from "./draw.ts";
import type { Host, Life } from "./host.ts";

/** What the way does to what is on it. Probabilities are from 0 to 1. */
export interface LinkWeather {
  /** The question never arrives. */
  readonly loseQuestion: number;
  /** The answer never arrives: what was asked for has happened. */
  readonly loseAnswer: number;
  /** What is harmless to repeat is carried out twice. */
  readonly repeat: number;
  /** Each direction takes up to this much longer. */
  readonly slowMs: number;
}

/** Nothing goes wrong. */
export const FAIR: LinkWeather = { loseQuestion: 0, loseAnswer: 0, repeat: 0, slowMs: 0 };

/** How long each direction takes: from this on, and up to so much more. */
export interface Distance {
  readonly latencyMs: number;
  readonly jitterMs: number;
}

/** Two machines of one data centre. */
export const NEAR: Distance = { latencyMs: 0.25, jitterMs: 1 };
/** The venue, and the time it takes there. */
export const FAR: Distance = { latencyMs: 10, jitterMs: 60 };

/** How a question is asked. */
interface Question<T> {
  /** For people. */
  readonly what: string;
  /** Carried out on the other machine. */
  answer(): Promise<T>;
  /** Until whoever asks gives up. */
  readonly limitMs: number;
  readonly repeatable: boolean;
}

/** One way, in both directions. It outlives the processes at its ends, and keeps the order of what is on it, as TCP does. */
export class Link {
  readonly #time: VirtualClock;
  readonly #to: Host;
  readonly #draw: Draw;
  readonly #told: (what: string) => void;
  readonly #distance: Distance;
  weather: LinkWeather = FAIR;
  #arrivesAt = 0 as Instant;
  #returnsAt = 0 as Instant;

  /** `told` hears of everything that is lost or repeated. */
  constructor(time: VirtualClock, to: Host, distance: Distance, draw: Draw, told: (what: string) => void) {
    this.#time = time;
    this.#to = to;
    this.#distance = distance;
    this.#draw = draw;
    this.#told = told;
  }

  /** A connection of one process: as good as proven until an answer stays out. */
  connect(life: Life): Connection {
    let proven = false;
    return {
      ask: <T>(question: Question<T>) => {
        if (life.ended()) return new Promise(() => {});
        return new Promise<Reading<T>>((resolve) => {
          let open = true;
          const settle = (answer: Reading<T>): void => {
            if (!open) return;
            open = false;
            giveUp();
            proven = answer.known;
            resolve(answer);
          };
          const giveUp = life.at(after(life.now(), question.limitMs), () =>
            settle(unknown(`${question.what}: no answer within ${question.limitMs} ms`)),
          );
          this.#carry(question, proven, (answer) => life.deliver(() => settle(answer)));
        });
      },
    };
  }

  #carry<T>(question: Question<T>, proven: boolean, back: (answer: Reading<T>) => void): void {
    const { loseQuestion, loseAnswer, repeat } = this.weather;
    // Always as many draws: what is lost leaves the fate of what comes later alone.
    const losesQuestion = this.#draw() < loseQuestion;
    const losesAnswer = this.#draw() < loseAnswer;
    const repeats = this.#draw() < repeat;
    this.#arrivesAt = this.#behind(this.#arrivesAt);
    if (losesQuestion) {
      this.#told(`${question.what}: question lost`);
      return;
    }
    this.#time.at(this.#arrivesAt, () => {
      const server = this.#to.life();
      const refuse = (why: string): void => this.#return(() => back(unknown(`${question.what}: ${why}`)));
      if (server === null) {
        refuse("connection refused");
        return;
      }
      // A connection begins with a question that does nothing, and a frozen server does not answer it.
      if (this.#to.isPaused() && !proven) return;
      const withdraw = server.onEnd(() => refuse("connection closed"));
      server.deliver(() => {
        const twice = question.repeatable && repeats;
        void this.#answer(question, twice).then((value) => {
          withdraw();
          if (losesAnswer) this.#told(`${question.what}: answer lost`);
          else this.#return(() => back(known(value)));
        });
      });
    });
  }

  #answer<T>({ what, answer }: Question<T>, twice: boolean): Promise<T> {
    if (!twice) return answer();
    return answer().then(async (value) => {
      this.#told(`${what}: carried out twice`);
      await answer();
      return value;
    });
  }

  /** A way that has been cut meanwhile loses the answer too. */
  #return(then: () => void): void {
    if (this.weather.loseAnswer === 1) return;
    this.#returnsAt = this.#behind(this.#returnsAt);
    this.#time.at(this.#returnsAt, then);
  }

  /** When what is sent now arrives: not before what was sent before. */
  #behind(last: Instant): Instant {
    const { latencyMs, jitterMs } = this.#distance;
    const takesMs = latencyMs + this.#draw() * (jitterMs + this.weather.slowMs);
    return Math.max(last, this.#time.now() + takesMs) as Instant;
  }
}

/** One process's end of a link. */
export interface Connection {
  /** Never rejects, and settles within the question's own limit; never again once the process has ended. */
  ask<T>(question: Question<T>): Promise<Reading<T>>;
}
