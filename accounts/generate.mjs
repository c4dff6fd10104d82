// Writes accounts/generated/common-passwords.txt: the passwords that Rollcall refuses, one per line, most frequent
// first. The list comes from @zxcvbn-ts/language-common (MIT), which ranks passwords by how often people use them.
//
//   node accounts/generate.mjs [node_modules]

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const WANTED = 3000 // as many as ASVS 6.2.4 asks for
const SHORTEST = 8 // shorter ones are refused for their length

const modules = process.argv[2] ?? 'node_modules'
const source = join(modules, '@zxcvbn-ts', 'language-common', 'src', 'passwords.json')
const target = join(dirname(fileURLToPath(import.meta.url)), 'generated', 'common-passwords.txt')

const ranked = JSON.parse(readFileSync(source, 'utf8'))
const common = new Set()
for (const password of ranked) {
  const folded = password.toLowerCase()
  if ([...folded].length >= SHORTEST && !folded.includes('\n')) common.add(folded)
  if (common.size === WANTED) break
}
if (common.size < WANTED) {
  console.error(`${source} holds ${common.size} passwords of ${SHORTEST} and more characters, want ${WANTED}`)
  process.exit(1)
}
mkdirSync(dirname(target), { recursive: true })
writeFileSync(target, [...common].join('\n') + '\n')
