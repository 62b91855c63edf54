#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { run } from './run.ts'

const STANDARD_INPUT = 0

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  readInput: () => readFileSync(STANDARD_INPUT),
  write: (bytes) =>
    new Promise((resolve, reject) => {
      process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()))
    }),
  warn: (text) => void process.stderr.write(`${text}\n`),
})
