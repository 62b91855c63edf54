import { WebSocket } from 'ws'
import { twoPeople } from './two-people.js'

console.log(await twoPeople(process.argv[2] ?? '', 'node', { WebSocketPolyfill: WebSocket }))
