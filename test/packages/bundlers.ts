import { join } from 'node:path'
import { build as esbuild } from 'esbuild'
import { build as vite } from 'vite'
import webpack from 'webpack'

const ENTRIES = ['page', 'worker']

/** Each makes `page.js` and `worker.js` of the sources in `from`, with nothing configured that y-sealed would need. */
export const BUNDLERS: Readonly<Record<string, (from: string, to: string) => Promise<void>>> = {
  async Vite(from, to) {
    await vite({
      root: from,
      configFile: false,
      logLevel: 'error',
      build: {
        outDir: to,
        target: 'es2022',
        modulePreload: false,
        rolldownOptions: { input: inputs(from), output: { entryFileNames: '[name].js' } },
      },
    })
  },
  async webpack(from, to) {
    const compiler = webpack({
      mode: 'production',
      context: from,
      entry: inputs(from),
      // Terser takes longer than all else here, and proves nothing of ours.
      optimization: { minimize: false },
      // A page whose worker is written by hand: webpack must not look for it.
      module: { parser: { javascript: { worker: false, url: false } } },
      output: { path: to, filename: '[name].js' },
    })
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) =>
      compiler.run((error, result) => (error ? reject(error) : resolve(result))),
    )
    if (stats?.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }))
  },
  async esbuild(from, to) {
    await esbuild({
      entryPoints: Object.values(inputs(from)),
      outdir: to,
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      logLevel: 'error',
    })
  },
}

function inputs(from: string): Record<string, string> {
  return Object.fromEntries(ENTRIES.map((name) => [name, join(from, `${name}.js`)]))
}
