import './buffer.ts'
import '../../unit/envelope/known-answers.test.ts'
import '../../unit/envelope/vectors.test.ts'
import '../../unit/envelope/wycheproof.test.ts'
import '../../unit/protocol/checkpoint-hash.test.ts'
import '../../unit/protocol/frames.test.ts'
import '../../unit/protocol/header.test.ts'
import '../../unit/protocol/log-hash.test.ts'
import './core-scenario.ts'
import { runAll } from './vitest.ts'

// Told to the server, so that nobody has to ask the browser: each has another way to be asked.
const outcome = await runAll()
await fetch('/outcome', { method: 'POST', body: JSON.stringify({ ...outcome, userAgent: navigator.userAgent }) })
