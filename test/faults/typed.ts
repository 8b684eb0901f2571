/** Commands as a person would type them into a connection to Redis: no client in between has ideas of its own about a refusal. */

import { connect } from "node:net";

/** Sends the lines over one new connection and gives the last answer's first line. Waits as long as Redis takes. */
export function typed(url: string, ...lines: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let answers = "";
    socket.setEncoding("utf8");
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("Redis has closed the connection")));
    socket.on("data", (text: string) => {
      answers += text;
      const got = answers.split("\r\n");
      // Each of these is answered with one line; the last piece is what follows the last line's end.
      if (got.length <= lines.length) return;
      socket.destroy();
      resolve(got[lines.length - 1] ?? "");
    });
    socket.write(lines.map((line) => `${line}\r\n`).join(""));
  });
}
