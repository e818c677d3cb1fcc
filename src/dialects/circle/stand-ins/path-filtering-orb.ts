import { pathFunctions } from './continuation-orb.ts';

/**
 * Which parameters the changed files set. Compared with the working tree, so that what is not committed counts; patterns are
 * Perl's where grep knows them, as the orb's own were Python's.
 */
const setParameters = `${pathFunctions}
commit() { git rev-parse --verify -q "$1^{commit}"; }
output=$(filled "$OUTPUT_PATH")
list=$CONFIG_LIST_PATH
[ -n "$output" ] || output=$own/pipeline-parameters.json
[ -n "$list" ] || list=$own/filtered-config-list
base=$BASE_REVISION
case $base in '$'*) base=$(sh -c "echo $base") ;; esac
[ -n "$base" ] || base=main
if ! against=$(commit "$base" || commit "origin/$base"); then
  echo "There is no revision $base to compare with; a branch of the server must have been fetched." >&2
  exit 1
fi
head=$(commit HEAD)
against=$(git merge-base "$against" "$head")
none=
if [ "$against" = "$head" ]; then
  if [ "$SAME_BASE_RUN" = false ]; then none=yes
  else against=$(commit HEAD~1) || against=$(git hash-object -t tree /dev/null)
  fi
fi
top=$(git rev-parse --show-toplevel)
changed=$own/changed-files
if [ -n "$none" ]; then : >"$changed"
else
  echo "Comparing with $against"
  { git -C "$top" -c core.quotepath=false diff --name-only "$against" --
    git -C "$top" -c core.quotepath=false ls-files --others --exclude-standard; } | sort -u >"$changed"
fi
cat "$changed"
flavour=-E
if printf 'a\\n' | grep -P a >/dev/null 2>&1; then flavour=-P; fi
fits() {
  status=0
  grep "$flavour" -x -e "$1" "$changed" >/dev/null || status=$?
  if [ "$status" -gt 1 ]; then
    echo "This pattern can not be read: $1" >&2
    exit 1
  fi
  [ "$status" -eq 0 ]
}
lines() {
  text=$(filled "$1")
  if [ -f "$text" ]; then cat "$text"; else printf '%s\\n' "$text"; fi
}
lines "$EXCLUDE" >"$own/exclude"
while read -r pattern; do
  [ -n "$pattern" ] || continue
  grep "$flavour" -v -x -e "$pattern" "$changed" >"$changed.left" || [ $? -eq 1 ]
  mv "$changed.left" "$changed"
done <"$own/exclude"
lines "$MAPPING" >"$own/mapping"
rm -f "$output" "$list"
: >"$list"
comma=
parameters=
while read -r pattern name value configuration more; do
  case $pattern in '' | '#'*) continue ;; esac
  if [ -n "$more" ]; then
    echo "A line of the mapping has more than four words: $pattern $name $value $configuration $more" >&2
    exit 1
  fi
  if [ -z "$value" ]; then configuration=$name name=; fi
  fits "$pattern" || continue
  if [ -n "$name" ]; then
    case $value in
      true | false | '"'*'"') ;;
      '' | *[!0-9]*) value=\\"$(printf '%s' "$value" | sed 's/[\\\\"]/\\\\&/g')\\" ;;
    esac
    parameters=$parameters$comma\\"$name\\":$value
    comma=,
  fi
  if [ -n "$configuration" ] && ! grep -F -x -e "$configuration" "$list" >/dev/null; then
    printf '%s\\n' "$configuration" >>"$list"
  fi
done <"$own/mapping"
[ -n "$parameters" ] || echo 'No changed file fits the mapping.'
[ -s "$list" ] || printf '%s\\n' "$(filled "$CONFIG_PATH")" >"$list"
printf '{%s}\\n' "$parameters" >"$output"
cat "$output"
`;

/** One file of all: what continues the pipeline lays the documents of a file over each other. */
const generateConfig = `${pathFunctions}
list=$(filled "$CONFIG_LIST_PATH")
generated=$(filled "$GENERATED_CONFIG_PATH")
[ -n "$list" ] || list=$own/filtered-config-list
[ -n "$generated" ] || generated=$own/generated-config.yml
rm -f "$generated"
: >"$generated"
while read -r path; do
  [ -n "$path" ] || continue
  if [ ! -f "$path" ]; then
    echo "There is no configuration $path" >&2
    exit 1
  fi
  if [ -s "$generated" ]; then printf '\\n---\\n' >>"$generated"; fi
  cat "$path" >>"$generated"
done <"$list"
`;

function indented(script: string): string {
  return script.trim().replaceAll('\n', '\n            ');
}

/** What `circleci/path-filtering` does here. Parameters are those of all its versions. */
export const pathFilteringOrb = `
commands:
  set-parameters:
    parameters:
      base-revision: { type: string, default: main }
      mapping: { type: string, default: '' }
      exclude: { type: string, default: '' }
      same-base-run: { type: boolean, default: true }
      config-path: { type: string, default: .circleci/continue_config.yml }
      output-path: { type: string, default: /tmp/pipeline-parameters.json }
      config-list-path: { type: string, default: /tmp/filtered-config-list }
    steps:
      - run:
          name: Set parameters
          environment:
            BASE_REVISION: << parameters.base-revision >>
            MAPPING: << parameters.mapping >>
            EXCLUDE: << parameters.exclude >>
            SAME_BASE_RUN: << parameters.same-base-run >>
            CONFIG_PATH: << parameters.config-path >>
            OUTPUT_PATH: << parameters.output-path >>
            CONFIG_LIST_PATH: << parameters.config-list-path >>
          command: |
            ${indented(setParameters)}
  generate-config:
    parameters:
      config-list-path: { type: string, default: /tmp/filtered-config-list }
      generated-config-path: { type: string, default: /tmp/generated-config.yml }
    steps:
      - run:
          name: Generate config
          environment:
            CONFIG_LIST_PATH: << parameters.config-list-path >>
            GENERATED_CONFIG_PATH: << parameters.generated-config-path >>
          command: |
            ${indented(generateConfig)}
executors:
  default:
    parameters:
      tag: { type: string, default: '3.8' }
    docker: [{ image: 'cimg/python:<< parameters.tag >>' }]
jobs:
  filter:
    parameters:
      base-revision: { type: string, default: main }
      mapping: { type: string, default: '' }
      exclude: { type: string, default: '' }
      same-base-run: { type: boolean, default: true }
      config-path: { type: string, default: .circleci/continue_config.yml }
      output-path: { type: string, default: '' }
      workspace_path: { type: string, default: '' }
      checkout: { type: boolean, default: true }
      before_set_params_script: { type: string, default: '' }
      circleci_domain: { type: string, default: circleci.com }
      resource_class: { type: string, default: small }
      tag: { type: string, default: '3.8' }
    executor: { name: default, tag: << parameters.tag >> }
    resource_class: << parameters.resource_class >>
    steps:
      - when: { condition: << parameters.checkout >>, steps: [checkout] }
      - when:
          condition: << parameters.workspace_path >>
          steps: [attach_workspace: { at: << parameters.workspace_path >> }]
      - when:
          condition: << parameters.before_set_params_script >>
          steps:
            - run: { name: Before the parameters, command: << parameters.before_set_params_script >> }
      - set-parameters:
          base-revision: << parameters.base-revision >>
          mapping: << parameters.mapping >>
          exclude: << parameters.exclude >>
          same-base-run: << parameters.same-base-run >>
          config-path: << parameters.config-path >>
          output-path: << parameters.output-path >>
          config-list-path: ''
      - generate-config: { config-list-path: '', generated-config-path: '' }
      - continue_pipeline:
          configuration_path: ''
          parameters: << parameters.output-path >>
          expected: << parameters.config-path >>
          mapping: << parameters.mapping >>
`;
