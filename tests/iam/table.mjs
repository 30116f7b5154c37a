// Prints all cases with their results, as a Markdown table.

import { cases } from './cases.mjs'
import { judge } from './judge.mjs'
import { sourceCases } from './source-cases.mjs'
import { tokenCases } from './token-cases.mjs'

console.log('| who | action | on | keys | expected | result |\n| --- | --- | --- | --- | --- | --- |')
for (const it of [...cases, ...tokenCases, ...sourceCases]) {
  const result = await judge(it)
  if (result !== it.expected) process.exitCode = 1
  const keys = Object.values(it.context).flat()
  const shown = keys.map((key) => `\`${key}\``).join(', ') || '–'
  const marked = result === it.expected ? result : `**${result}**`
  console.log(`| ${it.who} | ${it.action} | ${it.on} | ${shown} | ${it.expected} | ${marked} |`)
}
