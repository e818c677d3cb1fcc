# Gives each test to one node: the heaviest first, each to the node that has the least yet; of equals the first.
# So all nodes come to the same result, and tests that weigh the same are dealt out in turn, by name.
BEGIN {
  by = ENVIRON["BY"]
  nodes = ENVIRON["NODES"] + 0
  node = ENVIRON["NODE"] + 0
}

{
  size = 1
  test = $0
  if (by == "filesize") {
    size = $0 + 0
    test = substr($0, index($0, "\t") + 1)
  }
  if (test in seen) next
  seen[test]
  text[++count] = test
  weight[count] = size
}

END {
  if (by == "timings" && !weigh()) by = "name"
  for (i = 1; i <= count; i++) order[i] = i
  sort(count)
  for (i = 1; i <= count; i++) give(order[i])
  tell()
  kept = 0
  for (i = 1; i <= count; i++) if (owner[i] == node) order[++kept] = i
  for (i = 1; i <= count; i++) weight[i] = 0
  sort(kept)
  between = ENVIRON["WORDS"] == "" ? "\n" : " "
  for (i = 1; i <= kept; i++) printf "%s%s", (i == 1 ? "" : between), text[order[i]]
  if (between == "\n" && kept > 0) print ""
}

function before(a, b) {
  return weight[a] != weight[b] ? weight[a] > weight[b] : text[a] "" < text[b] ""
}

function give(test, i, best) {
  best = 0
  for (i = 1; i < nodes; i++)
    if (load[i] + 0 < load[best] + 0 || (load[i] + 0 == load[best] + 0 && tests[i] + 0 < tests[best] + 0)) best = i
  owner[test] = best
  tests[best]++
  load[best] += weight[test]
}

function tell(i, unit) {
  if (ENVIRON["COUNTS"] != "") for (i = 0; i < nodes; i++) warn("node " i ": " (tests[i] + 0) " of " count " tests")
  if (ENVIRON["VERBOSE"] == "") return
  unit = by == "timings" ? sprintf(", about %.1f s", load[node]) : by == "filesize" ? ", " (load[node] + 0) " bytes" : ""
  warn("node " node " of " nodes " has " (tests[node] + 0) " of " count " tests, split by " by unit)
}

function warn(message) {
  print "circleci: " message > "/dev/stderr"
}
