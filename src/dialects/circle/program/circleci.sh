# What jobs find as `circleci`: the part of CircleCI's own program that needs no service. Runs in any POSIX shell.
# Lines that begin with `@` stand for a file beside this one; awk programs hold no single quote.

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "circleci: $1"
  exit "${2:-1}"
}

need() {
  command -v "$1" >/dev/null 2>&1 && return
  fail "this image has no \`$1\`, which \`circleci $2\` needs: install it, or use an image with busybox or coreutils"
}

usage() {
  cat <<'TEXT'
Usage: circleci COMMAND

  step halt                 end the job as success when this step is over (also: task halt)
  tests glob PATTERN...     print the files that fit: * ** ? [abc] {a,b}
  tests split [FILE]        print this node's part of a list of tests
  tests run --command=TEXT  give this node's part of a list of tests to a command
  env subst [TEXT]          put the values of variables into a text
  run oidc|release          tell what of it there is on this machine
  version                   print the version

  Options of split and run: --split-by=name|filesize|timings, --timings-type=autodetect|file|classname|name,
  --time-default=10s, --index=N, --total=N, --show-counts, --verbose; of split alone: --timings-file=FILE.
  Failed tests alone are not run again: ci run --failed runs the jobs that failed.
TEXT
}

# Somebody may have installed CircleCI's command line interface, which bears the same name.
elsewhere() {
  name=${0##*/}
  here=${0%/*}
  set -f
  IFS=:
  for directory in $PATH; do
    file=${directory:-.}/$name
    if [ "$directory" != "$here" ] && [ -f "$file" ] && [ -x "$file" ]; then
      unset IFS
      set +f
      exec "$file" "$@"
    fi
  done
  unset IFS
}

unknown() {
  elsewhere "$@"
  say "circleci: there is no \`circleci $1${2:+ $2}\` inside of a job on this machine."
  say 'Known are: step halt, tests glob, tests split, tests run, env subst. `circleci --help` tells more.'
  exit 2
}

step() {
  case ${1-} in
    halt) ;;
    -h | --help) usage && exit 0 ;;
    *) unknown step "$@" ;;
  esac
  [ -n "${CIRCLE_INTERNAL_HALT_FILE-}" ] || fail 'cannot halt the job: the variable CIRCLE_INTERNAL_HALT_FILE is gone from the environment'
  (: >"$CIRCLE_INTERNAL_HALT_FILE") 2>/dev/null || fail "cannot halt the job: $CIRCLE_INTERNAL_HALT_FILE can't be written"
}

environment() {
  case ${1-} in
    subst) shift ;;
    -h | --help) usage && exit 0 ;;
    *) unknown env "$@" ;;
  esac
  [ $# -le 1 ] || fail '`circleci env subst` takes one text: put it into quotes' 2
  need awk 'env subst'
  # The dot keeps a last line feed apart from none.
  { if [ $# -gt 0 ]; then printf '%s' "$1"; else cat; fi && echo .; } | LC_ALL=C awk '
@subst.awk
'
}

service() {
  case ${1-} in
    oidc)
      [ "${2-}" = get ] || unknown run "$@"
      if [ $# -eq 2 ] && [ -n "${CIRCLE_OIDC_TOKEN_V2:-${CIRCLE_OIDC_TOKEN-}}" ]; then
        printf '%s\n' "${CIRCLE_OIDC_TOKEN_V2:-$CIRCLE_OIDC_TOKEN}"
        exit 0
      fi
      fail 'only the service can make OpenID Connect tokens; without claims, the value of CIRCLE_OIDC_TOKEN_V2 is printed where it is set'
      ;;
    release) say 'circleci: deploys are not recorded on this machine; nothing is done' ;;
    -h | --help) usage ;;
    *) unknown run "$@" ;;
  esac
}

glob() {
  [ $# -gt 0 ] || fail '`circleci tests glob` wants a pattern in quotes, like "spec/**/*_spec.rb"' 2
  need awk 'tests glob'
  need find 'tests glob'
  plan=$(printf '%s\n' "$@" | LC_ALL=C awk '
@glob.awk
') || exit 1
  # shellcheck disable=SC2016
  printf '%s\n' "$plan" | while read -r depth && IFS= read -r start && IFS= read -r fits; do
    if [ "$depth" = any ]; then
      find "$start" 2>/dev/null
    else
      find "$start" -maxdepth "$depth" 2>/dev/null
    fi | FITS=$fits LC_ALL=C awk 'BEGIN { fits = ENVIRON["FITS"] } { sub(/^\.\//, ""); gsub(/\/\/+/, "/") } $0 ~ fits'
  done | LC_ALL=C awk '
    !($0 in seen) { seen[$0]; text[++count] = $0; order[count] = count }
    END { sort(count); for (i = 1; i <= count; i++) print text[order[i]] }
    function before(a, b) { return text[a] "" < text[b] "" }
@sort.awk
'
}

@split.sh

tests() {
  case ${1-} in
    glob)
      shift
      case ${1-} in -h | --help) usage && exit 0 ;; esac
      glob "$@"
      ;;
    split) shift && split "$@" ;;
    run) shift && run "$@" ;;
    -h | --help) usage ;;
    *) unknown tests "$@" ;;
  esac
}

case ${1-} in
  step | task) shift && step "$@" ;;
  tests) shift && tests "$@" ;;
  env) shift && environment "$@" ;;
  run) shift && service "$@" ;;
  version | --version)
    elsewhere "$@"
    echo 'circleci of pipewright: what jobs need on this machine'
    ;;
  '' | help | -h | --help) usage ;;
  *) unknown "$@" ;;
esac
