import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { findNginx } from '../bin/nginx.mjs'

const command = findNginx()

/** Where there is no nginx, its tests are skipped by name; under CI=true they run, and fail for want of one. */
export const skipNginxTests = command === undefined && process.env.CI !== 'true'

/** An nginx of this test's own in the foreground, with this inside of its `http`. Resolves when it listens. */
export async function ownNginx(http: string): Promise<void> {
  if (command === undefined) throw new Error('no nginx on this machine: install one')
  const folder = mkdtempSync(join(tmpdir(), 'y-sealed-nginx-'))
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  const config = join(folder, 'nginx.conf')
  writeFileSync(
    config,
    // One process, which is ours to end; it says when it has begun.
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr notice; events {}
     http { access_log off; ${paths.join(' ')} ${http} }`,
  )
  const child = spawn(command, ['-p', folder, '-c', config, '-e', 'stderr'], { stdio: ['ignore', 'ignore', 'pipe'] })
  onTestFinished(async () => {
    if (child.exitCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      // Its sockets are open before it says by which means it waits for them.
      if (said.includes('using the "')) resolve()
    })
    child.once('exit', (code) => reject(new Error(`nginx ended with ${code}:\n${said}`)))
  })
}
