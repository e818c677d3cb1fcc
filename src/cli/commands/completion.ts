import { CommandError, exitCodes } from '../exit-code.ts';
import { type Invocation, print } from '../invocation.ts';

/** Each script asks `ci __complete -- WORDS…` for candidates, one a line; the last word is the one being typed. */
const scripts: Readonly<Record<string, string>> = {
  bash: `# ci completion for bash: source <(ci completion bash)
_ci_complete() {
  local IFS=$'\\n' candidate
  COMPREPLY=()
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  while read -r candidate; do
    [ -n "$candidate" ] && COMPREPLY+=("$(printf '%q' "$candidate")")
  done < <(ci __complete -- "\${words[@]}" 2>/dev/null)
}
complete -o default -F _ci_complete ci
`,
  zsh: `#compdef ci
# ci completion for zsh: source <(ci completion zsh)
_ci() {
  local -a candidates
  candidates=("\${(@f)$(ci __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [ \${#candidates[@]} -gt 0 ] && [ -n "\${candidates[1]}" ]; then
    compadd -Q -S ' ' -- "\${(@q)candidates}"
  else
    _files
  fi
}
compdef _ci ci
`,
  fish: `# ci completion for fish: ci completion fish | source
function __ci_complete
  set -l words (commandline -opc) (commandline -ct)
  ci __complete -- $words[2..-1] 2>/dev/null
end
complete -c ci -f -a '(__ci_complete)'
`,
  pwsh: `# ci completion for PowerShell: ci completion pwsh | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName ci -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if ($wordToComplete -eq '') { $words += '' }
  ci __complete -- @words 2>$null | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`,
};

/** `ci completion SHELL`: prints the script that the user's shell sources. */
export async function completion(invocation: Invocation, [shell = '']: readonly string[]): Promise<number> {
  const script = scripts[shell];
  if (script === undefined) {
    throw new CommandError(
      exitCodes.usage,
      `no completion for "${shell}"`,
      `known: ${Object.keys(scripts).join(', ')}`,
    );
  }
  await print(invocation.stdout, script);
  return exitCodes.ok;
}
