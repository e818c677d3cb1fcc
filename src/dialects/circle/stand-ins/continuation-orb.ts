/** Fills in variables of the job where its helper program is there; what is empty stands for a file of the job's own. */
export const pathFunctions = `
filled() {
  case $1 in *'$'*) if command -v circleci >/dev/null 2>&1; then printf '%s' "$1" | circleci env subst && return; fi ;; esac
  printf '%s' "$1"
}
own="$CIRCLE_INTERNAL_SCRATCH"
mkdir -p "$own"`;

/**
 * Leaves what the pipeline goes on with in a directory of the job's own, from where it is taken as an artifact. The paths are those
 * of \`handedOver\` in continuation.ts.
 */
export const continueScript = `${pathFunctions}
configuration=$(filled "$CONFIGURATION_PATH")
parameters=$(filled "$PARAMETERS")
name=$configuration
[ -n "$configuration" ] || { configuration=$own/generated-config.yml name='what it has generated'; }
[ -n "$parameters" ] || parameters=$own/pipeline-parameters.json
if [ -e "$own/continuation" ]; then
  echo 'The pipeline was continued by this job already: that can be done once.' >&2
  exit 1
fi
if [ ! -f "$configuration" ]; then
  echo "There is no configuration to continue with: $name" >&2
  exit 1
fi
mkdir "$own/continuation"
cp "$configuration" "$own/continuation/configuration.yml"
if [ -f "$parameters" ]; then cp "$parameters" "$own/continuation/parameters.json"
else printf '%s\\n' "$parameters" >"$own/continuation/parameters.json"
fi
echo "The pipeline goes on with $name when this job has ended."
`;

/** What \`circleci/continuation\` does here. Parameters are those of all its versions. */
export const continuationOrb = `
commands:
  continue:
    parameters:
      configuration_path: { type: string }
      parameters: { type: string, default: '{}' }
      when: { type: string, default: on_success }
      circleci_domain: { type: string, default: circleci.com }
      files_changed: { type: string, default: '' }
      parameter_for_files_changed: { type: string, default: '' }
    steps:
      - continue_pipeline:
          configuration_path: << parameters.configuration_path >>
          parameters: << parameters.parameters >>
          when: << parameters.when >>
  finish:
    steps:
      - run:
          name: Finish the pipeline
          command: |
            mkdir -p "$CIRCLE_INTERNAL_SCRATCH"
            echo '{ version: 2, jobs: {}, workflows: { version: 2 } }' >"$CIRCLE_INTERNAL_SCRATCH/generated-config.yml"
      - continue_pipeline: { configuration_path: '', parameters: '{}' }
executors:
  default:
    docker: [{ image: 'cimg/base:current' }]
jobs:
  continue:
    parameters:
      configuration_path: { type: string }
      parameters: { type: string, default: '{}' }
      checkout: { type: boolean, default: true }
      workspace_path: { type: string, default: '' }
      circleci_domain: { type: string, default: circleci.com }
      circleci_ip_ranges: { type: boolean, default: false }
      resource_class: { type: string, default: small }
      executor: { type: executor, default: default }
    executor: << parameters.executor >>
    resource_class: << parameters.resource_class >>
    steps:
      - when: { condition: << parameters.checkout >>, steps: [checkout] }
      - when:
          condition: << parameters.workspace_path >>
          steps: [attach_workspace: { at: << parameters.workspace_path >> }]
      - continue:
          configuration_path: << parameters.configuration_path >>
          parameters: << parameters.parameters >>
`;
