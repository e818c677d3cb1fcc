# Puts values of variables into the text: $A, ${A}, ${A-B}, ${A:-B}, ${A=B}, ${A:=B}, ${A+B}, ${A:+B}; $$ stands for $.
# B is one variable, or text in which nothing is put in. Reads a last line feed as there is one before the dot at the end.
{ all = all (NR > 1 ? "\n" : "") $0 }

END {
  all = substr(all, 1, length(all) - 1)
  out = ""
  while ((at = index(all, "$")) > 0) {
    out = out substr(all, 1, at - 1)
    all = substr(all, at + 1)
    if (substr(all, 1, 1) == "$") {
      out = out "$"
      all = substr(all, 2)
      # What comes behind two of them is text, behind three it is not.
      if (substr(all, 1, 1) == "$") continue
      if (match(all, /^([{][^}]*[}]|[A-Za-z0-9_]+)/)) {
        out = out substr(all, 1, RLENGTH)
        all = substr(all, RLENGTH + 1)
      }
    } else if (substr(all, 1, 1) == "{") braces()
    else if (match(all, /^[A-Za-z0-9_]+/)) {
      out = out (RLENGTH == 1 && substr(all, 1, 1) == "_" ? "$_" : value(substr(all, 1, RLENGTH)))
      all = substr(all, RLENGTH + 1)
    } else out = out "$"
  }
  printf "%s", out all
}

function braces(end, inner, name, operator, other) {
  end = index(all, "}")
  inner = substr(all, 2, end - 2)
  if (end == 0 || inner ~ /[\r\n]/) refuse("closing brace expected")
  all = substr(all, end + 1)
  if (inner == "_") {
    out = out "${_}"
    return
  }
  if (!match(inner, /^[A-Za-z0-9_]+/)) refuse("a name expected behind \"${\"")
  name = substr(inner, 1, RLENGTH)
  other = substr(inner, RLENGTH + 1)
  operator = match(other, /^:?[-=+]/) ? substr(other, 1, RLENGTH) : ""
  other = substr(other, length(operator) + 1)
  if (other ~ /^[$][A-Za-z0-9_]+$/) other = value(substr(other, 2))
  if (operator ~ /[+]/) {
    if (name in ENVIRON) out = out other
  } else if (operator ~ /^:/ ? value(name) == "" : operator != "" && !(name in ENVIRON)) out = out other
  else out = out value(name)
}

# A name that is asked for would be there afterwards.
function value(name) { return name in ENVIRON ? ENVIRON[name] : "" }

function refuse(why) {
  print "circleci: env subst: " why > "/dev/stderr"
  exit 1
}
