# For each pattern three lines: how deep to look (or any), where to begin, and what the paths have to fit.
# Bytes are compared, not characters.
{
  pattern = $0
  if (pattern == "") next
  gsub(/\/\/+/, "/", pattern)
  while (substr(pattern, 1, 2) == "./") pattern = substr(pattern, 3)
  if (pattern == "") next
  begin(pattern)
  rest = substr(pattern, length(fixed) + 1)
  print deep(rest)
  print (fixed == "" ? "." : substr(fixed, 1, 1) == "-" ? "./" fixed : fixed)
  print ("^" expression(pattern) "$")
}

function refuse(why) {
  print "circleci: the pattern \"" pattern "\" is not valid: " why > "/dev/stderr"
  exit 1
}

# The directories before the first wildcard, with their last slash.
function begin(text, at, char, slash) {
  slash = 0
  for (at = 1; at <= length(text); at++) {
    char = substr(text, at, 1)
    if (char == "/") slash = at
    if (index("*?[{\\", char)) break
  }
  fixed = substr(text, 1, slash)
}

function deep(text) {
  if (text ~ /\*\*/) return "any"
  if (text ~ /[{].*\/.*[}]/) return "any"
  return gsub(/\//, "/", text) + 1
}

function literal(char) {
  if (char == "^" || char == "\\") return "\\" char
  return char ~ /[A-Za-z0-9_\/ -]/ || char > "~" ? char : "[" char "]"
}

function expression(text, at, char, depth, out, end) {
  depth = 0
  out = ""
  for (at = 1; at <= length(text); at++) {
    char = substr(text, at, 1)
    if (char == "*") {
      end = at
      while (substr(text, end + 1, 1) == "*") end++
      if (end == at + 1 && (at == 1 || index("/{,", substr(text, at - 1, 1)))) {
        if (substr(text, end + 1, 1) == "/") {
          out = out "([^/]+/)*"
          at = end + 1
          continue
        }
        if (end == length(text) || index(",}", substr(text, end + 1, 1))) {
          out = out ".+"
          at = end
          continue
        }
      }
      out = out "[^/]*"
      at = end
    } else if (char == "?") out = out "[^/]"
    else if (char == "[") {
      out = out set(text, at)
      at = setEnd
    } else if (char == "{") {
      out = out "("
      depth++
    } else if (char == "}" && depth > 0) {
      out = out ")"
      depth--
    } else if (char == "," && depth > 0) out = out "|"
    else if (char == "\\") {
      if (++at > length(text)) refuse("it ends with a backslash")
      out = out literal(substr(text, at, 1))
    } else out = out literal(char)
  }
  if (depth > 0) refuse("a brace is never closed")
  return out
}

# What stands in brackets, in the order that regular expressions want; sets setEnd.
function set(text, at, char, no, plain, dash, bracket, hat, high) {
  no = plain = dash = bracket = hat = ""
  at++
  if (index("!^", substr(text, at, 1))) {
    no = "^"
    at++
  }
  setEnd = 0
  for (; at <= length(text); at++) {
    char = substr(text, at, 1)
    if (char == "]") {
      setEnd = at
      break
    }
    if (char == "\\") char = substr(text, ++at, 1)
    high = substr(text, at + 2, 1)
    if (substr(text, at + 1, 1) == "-" && high != "]" && high != "" && char ~ /[A-Za-z0-9]/ && high ~ /[A-Za-z0-9]/) {
      if (high < char) refuse("\"" char "-" high "\" is no range")
      plain = plain char "-" high
      at += 2
    } else if (char == "-") dash = "-"
    else if (char == "]") bracket = "]"
    else if (char == "^") hat = "^"
    else if (char == "\\") refuse("a set can not hold a backslash")
    else plain = plain char
  }
  if (setEnd == 0) refuse("a bracket is never closed")
  if (no == "" && plain bracket dash == "") {
    if (hat == "") refuse("a set is empty")
    return "\\^"
  }
  if (no plain bracket hat dash == "^") refuse("a set is empty")
  return "[" no bracket plain hat (no == "" ? "" : "/") dash "]"
}
