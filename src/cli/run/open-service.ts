import { hostClock } from "../../adapters/host/clock.ts";
import { datagramsTo } from "../../adapters/systemd/datagram.ts";
import { systemdService } from "../../adapters/systemd/notify.ts";
import { loadSupervision } from "../../config/supervision.ts";
import type { Log } from "../../ports/log.ts";
import { type Service, UNSUPERVISED } from "../../ports/service.ts";
import type { Io } from "../io.ts";

/** The supervisor above a role: systemd, where it has started this process and wants to be told; else there is none. */
export function openService({ env, signal }: Io, log: Log): Service {
  const supervision = loadSupervision(env, process.pid);
  if (supervision === null) return UNSUPERVISED;
  const { socket, watchdog } = supervision;
  const service = systemdService({ datagrams: datagramsTo(socket), watchdog, clock: hostClock, log });
  signal.addEventListener("abort", service.stopping, { once: true });
  return service;
}
