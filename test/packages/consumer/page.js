import { twoPeople } from './two-people.js'

const { relay = '', room = '' } = Object.fromEntries(new URLSearchParams(location.search))
const worker = new Worker(new URL(`./worker.js${location.search}`, location.href), { type: 'module' })
const fromWorker = new Promise((resolve, reject) => {
  worker.onmessage = ({ data }) => resolve(data)
  worker.onerror = reject
})
const fromPage = await twoPeople(relay, `${room} page`)
document.title = `page: ${fromPage}; worker: ${await fromWorker}`
