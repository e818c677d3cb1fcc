# Sets by, type, index, total, fallback, timings, counts, verbose, command and list by the arguments.
options() {
  what=$1
  shift
  by=name type=autodetect fallback='' timings=${CIRCLE_INTERNAL_TEST_TIMINGS-} counts='' verbose='' command='' list='' mine=''
  index=${CIRCLE_NODE_INDEX:-0} total=${CIRCLE_NODE_TOTAL:-1}
  while [ $# -gt 0 ]; do
    option=$1 value='' given=''
    case $option in
      --*=*) option=${1%%=*} value=${1#*=} given=yes ;;
    esac
    case $option in
      --split-by | --timings-type | --timings-file | --time-default | --index | --total | --command)
        if [ -z "$given" ]; then
          [ $# -gt 1 ] || fail "\`$option\` wants a value" 2
          shift
          value=$1
        fi
        ;;
      --show-counts | --verbose | -v) [ "$value" = false ] || value=true ;;
    esac
    case $option in
      --split-by) by=$value ;;
      --timings-type) type=$value ;;
      --timings-file) timings=$value mine=yes ;;
      --time-default) fallback=$value ;;
      --index) index=$value ;;
      --total) total=$value ;;
      --show-counts) counts=${value#false} ;;
      --verbose | -v) verbose=${value#false} ;;
      --command) command=$value ;;
      -h | --help) usage && exit 0 ;;
      -) list=- ;;
      -*) fail "there is no option \`$option\` of \`circleci tests $what\`" 2 ;;
      *)
        [ -z "$list" ] || fail '`circleci tests split` takes one file with names of tests' 2
        list=$option
        ;;
    esac
    shift
  done
}

check() {
  case $by in
    name | filesize | timings) ;;
    *) fail "there is no \`--split-by=$by\`: name, filesize and timings are known" 2 ;;
  esac
  case $type in
    autodetect | classname) ;;
    file | filename) type=file ;;
    name | testname) type=name ;;
    *) fail "there is no \`--timings-type=$type\`: autodetect, file, classname and name are known" 2 ;;
  esac
  case $index$total in
    *[!0-9]*) fail "the index and the number of nodes must be whole numbers, not \`$index\` and \`$total\`" 2 ;;
  esac
  [ "${index:-x}" != x ] && [ "${total:-0}" -gt 0 ] && [ "$index" -lt "$total" ] ||
    fail "there is no node $index of $total: the index counts from 0" 2
  if [ -n "$mine" ] && [ ! -r "$timings" ]; then fail "can't read the timings in $timings"; fi
}

# Names in, `SIZE<tab>NAME` out.
measure() {
  set --
  while IFS= read -r name; do
    if [ -f "$name" ]; then
      set -- "$@" "$name"
      if [ $# -ge 100 ]; then
        sizes "$@"
        set --
      fi
    else
      say "circleci: $name is no file here, so its size counts as 0"
      printf '0\t%s\n' "$name"
    fi
  done
  [ $# -eq 0 ] || sizes "$@"
}

# With a last line that adds all up, where there is more than one.
sizes() {
  wc -c -- "$@" | FILES=$# awk 'NR <= ENVIRON["FILES"] { sub(/^ */, ""); sub(/ /, "\t"); print }'
}

# All names in, one a line or, with `words`, some; those of this node out.
choose() {
  WORDS=$1 LC_ALL=C awk '
    ENVIRON["WORDS"] == "" { sub(/\r$/, ""); if ($0 != "") print; next }
    { for (i = 1; i <= NF; i++) print $i }
  ' | if [ "$by" = filesize ]; then measure; else cat; fi | WORDS=$1 BY=$by TYPE=$type NODE=$index NODES=$total \
    FALLBACK=$fallback COUNTS=$counts VERBOSE=$verbose TIMINGS=$timings HERE=$PWD LC_ALL=C awk '
@split.awk
@timings.awk
@sort.awk
'
}

split() {
  options split "$@"
  check
  need awk 'tests split'
  case $list in
    '' | -) choose '' ;;
    *)
      [ -r "$list" ] || fail "can't read the names of tests in $list"
      choose '' <"$list"
      ;;
  esac
}

run() {
  options run "$@"
  check
  [ -n "$command" ] || fail '`circleci tests run` wants `--command="xargs …"`' 2
  [ -z "$list" ] || fail '`circleci tests run` reads names of tests on its standard input only' 2
  need awk 'tests run'
  chosen=$(choose words) || exit
  if [ -z "$chosen" ]; then
    say 'circleci: there are no tests for this node, so the command is not run'
    exit 0
  fi
  if command -v bash >/dev/null 2>&1; then shell=bash; else shell=sh; fi
  printf '%s' "$chosen" | "$shell" -c "$command"
  exit $?
}
