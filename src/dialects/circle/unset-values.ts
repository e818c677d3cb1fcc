/** Groups of values that only the service knows: `a.b: c d` stands for `a.b.c` and `a.b.d`. */
const groups: Readonly<Record<string, string>> = {
  '': 'name config_source integration_source',
  config: 'file_path ref repository.name repository.url file_type sha',
  definition: 'id',
  deploy: 'component_name current_version environment_name namespace reason target_version',
  event: 'action circleci_actor_id context.github.pr_url context.github.sha provider_actor_id provider_login',
  'event.github':
    'after comment.body head_commit.url label.name ref repository.name repository.owner.login repository.url ' +
    'sender.avatar_url sender.login sender.type',
  'event.github.pull_request': 'base.ref base.sha head.ref head.sha draft merged number title url',
  'git.commit':
    'author_avatar_url author_date author_login committer_date committer_email committer_login committer_name url',
  git: 'origin_repo_id origin_repo_url repo_id ssh_checkout_url target_repo_url',
  project: 'id url',
  organization: 'id name slug',
  schedule: 'id name',
  trigger: 'id name received_at',
  'trigger_parameters.circleci':
    'actor_id config_source_id event_action event_time event_type provider_actor_id provider_login provider_name ' +
    'trigger_id trigger_type',
  'trigger_parameters.event': 'description title',
  'trigger_parameters.git':
    'author_avatar_url author_login branch checkout_sha checkout_url commit_author_email commit_author_name ' +
    'commit_message default_branch ref repo_name repo_owner repo_url tag',
  'trigger_parameters.github_app':
    'action branch checkout_sha commit_author_email commit_author_name commit_message commit_sha commit_timestamp ' +
    'commit_title default_branch forced full_ref label_name owner pull_request_draft pull_request_head_sha ' +
    'pull_request_merged ref repo_full_name repo_id repo_name repo_url tag user_avatar user_id user_name user_username ' +
    'web_url',
  'trigger_parameters.gitlab':
    'action branch checkout_sha commit_author_email commit_author_name commit_message commit_sha commit_timestamp ' +
    'commit_title default_branch is_fork_merge_request project_id ref repo_name repo_url tag type user_id user_name ' +
    'user_avatar user_username web_url x_gitlab_event_id',
  'trigger_parameters.webhook': 'body',
  vcs:
    'event_type origin_repository_id origin_repository_url repository_url revision target_repository_id ' +
    'target_repository_url type',
};

/**
 * Names of `pipeline.*` that exist and have no value on this machine, without `pipeline.`.
 * Source: https://github.com/CircleCI-Public/expr/tree/main/domains
 */
export const unsetValues: ReadonlySet<string> = new Set(
  Object.entries(groups).flatMap(([group, names]) =>
    names.split(' ').map((name) => (group === '' ? name : `${group}.${name}`)),
  ),
);
