/** The orb that a job has packed comes below \`orbs\`, as a second document that is laid over the configuration. */
const injectOrb = `
            own="$CIRCLE_INTERNAL_SCRATCH"
            mkdir -p "$own"
            generated=$own/generated-config.yml
            cp "$CONFIG_PATH" "$generated"
            if [ -n "$ORB_NAME" ]; then
              orb=$ORB_DIR/$ORB_FILE_NAME
              if [ ! -f "$orb" ]; then
                echo "The orb is not there to be tested: $orb" >&2
                exit 1
              fi
              { printf '\\n---\\norbs:\\n  %s:\\n' "$ORB_NAME"; sed -e '/^---/d' -e 's/^/    /' "$orb"; } >>"$generated"
            fi`;

/** What the job \`continue\` of \`circleci/orb-tools\` does here; all else is in the orb itself. Parameters are those of all its versions. */
export const orbToolsOrb = `
jobs:
  continue:
    parameters:
      orb_name: { type: string, default: '' }
      orb_dir: { type: string, default: dist }
      orb_file_name: { type: string, default: orb.yml }
      inject_orb: { type: boolean, default: true }
      attach_workspace: { type: boolean, default: true }
      checkout: { type: boolean, default: true }
      config_path: { type: string, default: '' }
      config-path: { type: string, default: .circleci/test-deploy.yml }
      pipeline_number: { type: integer, default: 1 }
      pipeline-number: { type: integer, default: 1 }
      vcs_type: { type: string, default: '' }
      vcs-type: { type: string, default: '' }
    docker: [{ image: 'cimg/base:current' }]
    steps:
      - when: { condition: << parameters.checkout >>, steps: [checkout] }
      - when:
          condition: { and: [<< parameters.attach_workspace >>, << parameters.orb_name >>] }
          steps: [attach_workspace: { at: << parameters.orb_dir >> }]
      - run:
          name: Put the orb into the configuration
          environment:
            ORB_NAME: '<<# parameters.inject_orb >><< parameters.orb_name >><</ parameters.inject_orb >>'
            ORB_DIR: << parameters.orb_dir >>
            ORB_FILE_NAME: << parameters.orb_file_name >>
            CONFIG_PATH: '<< parameters.config_path >><<^ parameters.config_path >><< parameters.config-path >><</ parameters.config_path >>'
          command: |${injectOrb}
      - continue_pipeline:
          configuration_path: ''
          parameters: '{}'
          expected: '<< parameters.config_path >><<^ parameters.config_path >><< parameters.config-path >><</ parameters.config_path >>'
`;
