import { twoPeople } from './two-people.js'

const { relay = '', room = '' } = Object.fromEntries(new URLSearchParams(self.location.search))
self.postMessage(await twoPeople(relay, `${room} worker`))
