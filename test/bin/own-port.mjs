// @ts-check
import { freePort } from './free-port.mjs'

// Below what the kernel gives to whoever asks for any port, or connects (32768 and above on Linux; PORT_OFFSETs of tests end below these): so nobody
// gets one between our look and the server's start, or between a kill and the restart.
const FIRST = 29_000
const SLOTS = 36
// As far as `freePort` looks.
const PORTS_PER_SLOT = 100

/** @type {number[]} */
const given = []

/** @type {Promise<number>} */
let latest = Promise.resolve(0)

/**
 * A loopback port for a server that starts later, or again; tests that run at the same time look elsewhere.
 * @returns {Promise<number>}
 */
export function ownPort() {
  // One after the other: two that look at once would find the same.
  latest = latest.then(draw, draw)
  return latest
}

async function draw() {
  const first = FIRST + (process.pid % SLOTS) * PORTS_PER_SLOT
  // The oldest have ended: a process of many tests needs more of them than there are.
  const port = await freePort(first, '127.0.0.1', given.slice(-PORTS_PER_SLOT / 2))
  given.push(port)
  return port
}
